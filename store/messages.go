package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
)

// MessageFilter says which messages are asked for. All that is given must hold.
type MessageFilter struct {
	// MessageID, DocumentID, Device, Rule (of a refusal) and Verdict match exactly.
	MessageID, DocumentID, Device, Rule, Verdict string
	// Interaction and ServiceRequest match exactly.
	Interaction, ServiceRequest string
	// From inclusive, Until exclusive, by arrival; zero is open.
	From, Until time.Time
	// Suspicious asks for those marked for the archivist.
	Suspicious bool
}

// LoggedMessage is a row of the message log.
type LoggedMessage struct {
	// Number is the row's own.
	Number                      int64
	MessageID, Device, Owner    string
	Interaction, ServiceRequest string
	Arrived                     time.Time
	Outcome                     OutcomeKind
	Verdict, Rule, DocumentID   string
	Suspicious                  bool
	// Timings is JSON: stage to microseconds.
	Timings []byte
}

// MessageContent is a message with what was asked and answered.
type MessageContent struct {
	LoggedMessage
	// Acknowledgement is what was answered, Findings the caller's form of the findings.
	Acknowledgement, Findings []byte
	// Request is the exact request: kept of refused messages by the log, of archived
	// ones by the archive. It is empty where neither has it.
	Request []byte
}

// MessagePage is a part of an answer, newest first.
type MessagePage struct {
	Messages []LoggedMessage
	// Next continues; empty when there is nothing more. A page may be shorter than
	// asked for and still have a Next: a search looks at a bounded number of rows.
	Next string
}

// messageBudget is how many rows of the message log a page looks at before it stops.
const messageBudget = 20_000

const messageFields = `seq, message_id, device, owner, interaction, service_request, arrived, outcome, verdict, rule,
	document_id, suspicious, timings`

// Messages finds messages, newest first. limit is at most MaxPage; continuation is
// empty or MessagePage.Next. The cost of a page is bounded whatever the log's size.
// A scope sees the messages that its controllers own.
func (s *Store) Messages(ctx context.Context, sc Scope, f MessageFilter, limit int, continuation string) (MessagePage, error) {
	var page MessagePage
	if err := sc.check("messages"); err != nil {
		return page, err
	}
	if limit < 1 || limit > MaxPage {
		return page, input("messages", "limit %d is not between 1 and %d", limit, MaxPage)
	}
	below := int64(1) << 62
	if continuation != "" {
		n, err := strconv.ParseInt(continuation, 10, 64)
		if err != nil || n < 0 {
			return page, input("messages", "that is no continuation")
		}
		below = n
	}
	err := s.snapshot(ctx, "messages", func(tx *sql.Tx) (err error) {
		page, err = messagePage(ctx, tx, sc, f, limit, below)
		return err
	})
	return page, err
}

func messagePage(ctx context.Context, tx *sql.Tx, sc Scope, f MessageFilter, limit int, below int64) (MessagePage, error) {
	var page MessagePage
	below, err := messagesUntil(ctx, tx, f, below)
	if err != nil {
		return page, err
	}
	floor, err := messageFloor(ctx, tx, f, below)
	if err != nil {
		return page, err
	}
	where, args := f.where(sc)
	q := `SELECT ` + messageFields + ` FROM message_log WHERE seq < ` + asInt + ` AND seq >= ` + asInt + where + ` ORDER BY seq DESC LIMIT ` + asInt
	rows, err := tx.QueryContext(ctx, q, append(append([]any{below, floor}, args...), limit)...)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	for rows.Next() {
		m, err := scanMessage(rows.Scan)
		if err != nil {
			return page, err
		}
		page.Messages = append(page.Messages, m)
	}
	if err := rows.Err(); err != nil {
		return page, err
	}
	switch n := len(page.Messages); {
	case n == limit:
		page.Next = strconv.FormatInt(page.Messages[n-1].Number, 10)
	case floor > 0:
		page.Next = strconv.FormatInt(floor, 10)
	}
	return page, nil
}

// messagesUntil moves the beginning of a page to the last message before the filter's
// end: messages are numbered as they come, give or take those that came together.
func messagesUntil(ctx context.Context, tx *sql.Tx, f MessageFilter, below int64) (int64, error) {
	if f.Until.IsZero() {
		return below, nil
	}
	const together = 1000
	var last int64
	err := tx.QueryRowContext(ctx, `SELECT seq FROM message_log WHERE arrived < `+asInt+` ORDER BY arrived DESC LIMIT 1`, micros(f.Until)).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return min(below, last+together), err
}

// messageFloor is where a page stops looking. A filter that an index answers needs
// none; any other looks at messageBudget rows.
func messageFloor(ctx context.Context, tx *sql.Tx, f MessageFilter, below int64) (int64, error) {
	if f.MessageID != "" || f.DocumentID != "" || f.Device != "" || f.Rule != "" {
		return 0, nil
	}
	var newest int64
	err := tx.QueryRowContext(ctx, `SELECT seq FROM message_log WHERE seq < `+asInt+` ORDER BY seq DESC LIMIT 1`, below).Scan(&newest)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return max(0, newest-messageBudget), err
}

// where gives the conditions of a filter. Times are held against seq's order, since
// messages are numbered as they come.
func (f *MessageFilter) where(sc Scope) (string, []any) {
	in, args := sc.where("owner")
	var w strings.Builder
	w.WriteString(" AND " + in)
	for _, c := range []struct{ column, value, more string }{
		{"message_id", f.MessageID, " AND message_id <> ''"}, {"document_id", f.DocumentID, " AND document_id <> ''"},
		{"device", f.Device, ""}, {"rule", f.Rule, " AND rule <> ''"}, {"interaction", f.Interaction, ""},
		{"service_request", f.ServiceRequest, ""},
	} {
		if c.value != "" {
			w.WriteString(" AND " + c.column + " = " + asText + c.more)
			args = append(args, c.value)
		}
	}
	if f.Verdict != "" {
		w.WriteString(" AND verdict = " + asText)
		if f.Verdict != "CA" { // the partial index has all but these
			w.WriteString(" AND verdict <> 'CA'")
		}
		args = append(args, f.Verdict)
	}
	if f.Suspicious {
		w.WriteString(" AND suspicious = 1")
	}
	if !f.From.IsZero() {
		w.WriteString(" AND arrived >= " + asInt)
		args = append(args, micros(f.From))
	}
	if !f.Until.IsZero() {
		w.WriteString(" AND arrived < " + asInt)
		args = append(args, micros(f.Until))
	}
	return w.String(), args
}

func scanMessage(scan func(...any) error, more ...any) (LoggedMessage, error) {
	var m LoggedMessage
	var arrived int64
	var timings string
	err := scan(append([]any{&m.Number, &m.MessageID, &m.Device, &m.Owner, &m.Interaction, &m.ServiceRequest, &arrived,
		&m.Outcome, &m.Verdict, &m.Rule, &m.DocumentID, &m.Suspicious, &timings}, more...)...)
	m.Arrived, m.Timings = fromMicros(arrived), []byte(timings)
	return m, err
}

// LoggedMessage gives one message with its content. Errors: ErrNotFound.
func (s *Store) LoggedMessage(ctx context.Context, sc Scope, number int64) (*MessageContent, error) {
	if err := sc.check("message"); err != nil {
		return nil, err
	}
	in, args := sc.where("owner")
	q := `SELECT ` + messageFields + `, ack, findings, raw FROM message_log WHERE seq = ` + asInt + ` AND ` + in
	var c MessageContent
	err := s.reading("message", func(db *sql.DB) error {
		var ack, findings, raw []byte
		var err error
		c.LoggedMessage, err = scanMessage(db.QueryRowContext(ctx, q, append([]any{number}, args...)...).Scan, &ack, &findings, &raw)
		if err != nil {
			return err
		}
		return c.open(s, ack, findings, raw)
	})
	if err != nil {
		return nil, err
	}
	if len(c.Request) == 0 && c.Outcome == Archived {
		// The archive's own read judges whether its bytes are whole.
		c.Request, err = s.Frame(ctx, Scope{All: true, Purpose: sc.Purpose}, c.DocumentID)
		if errors.Is(err, ErrNotFound) {
			err = nil // disposed
		}
	}
	return &c, err
}

func (c *MessageContent) open(s *Store, ack, findings, raw []byte) (err error) {
	row := num(c.Number)
	if c.Acknowledgement, err = s.plain(place{inAcks, row}, nil, ack); err != nil {
		return err
	}
	if c.Findings, err = s.plain(place{inFindings, row}, nil, findings); err != nil {
		return err
	}
	c.Request, err = s.plain(place{inRaw, row}, nil, raw)
	return err
}
