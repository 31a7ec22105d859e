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
	way := f.way()
	floor, more, err := messageFloor(ctx, tx, f, way, below)
	if err != nil {
		return page, err
	}
	q, args := f.query(sc, way)
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
	case more:
		page.Next = strconv.FormatInt(floor, 10)
	}
	return page, nil
}

const sqlMessagesUntil = `SELECT seq FROM message_log WHERE arrived < ` + asInt + ` ORDER BY arrived DESC LIMIT 1`

// messagesUntil moves the beginning of a page to the last message before the filter's
// end: messages are numbered as they come, give or take those that came together.
func messagesUntil(ctx context.Context, tx *sql.Tx, f MessageFilter, below int64) (int64, error) {
	if f.Until.IsZero() {
		return below, nil
	}
	last, err := rowNumber(ctx, tx, sqlMessagesUntil, -arrivedTogether, micros(f.Until))
	return min(below, last+arrivedTogether), err
}

// messageWay is an index that leads to the messages of a filter, newest first.
type messageWay struct {
	index, where string
	value        string
}

// way chooses the index with the fewest rows. Without one the log is read in its order.
func (f *MessageFilter) way() messageWay {
	unusual := f.Verdict
	if unusual == "CA" {
		unusual = "" // the partial index has all but these
	}
	for _, w := range []messageWay{
		{"message_log_message", "message_id = " + asText + " AND message_id <> ''", f.MessageID},
		{"message_log_document", "document_id = " + asText + " AND document_id <> ''", f.DocumentID},
		{"message_log_rule", "rule = " + asText + " AND rule <> ''", f.Rule},
		{"message_log_verdict", "verdict = " + asText + " AND verdict <> 'CA'", unusual},
		{"message_log_device", "device = " + asText, f.Device},
		{"message_log_request", "service_request = " + asText, f.ServiceRequest},
	} {
		if w.value != "" {
			return w
		}
	}
	return messageWay{}
}

// query gives the statement of a page; its first two parameters are where the page
// begins and stops looking, its last how many messages are wanted.
func (f *MessageFilter) query(sc Scope, w messageWay) (string, []any) {
	where, args := f.where(sc)
	return `SELECT ` + messageFields + ` FROM message_log` + w.by() + ` WHERE seq < ` + asInt + ` AND seq >= ` + asInt + where +
		` ORDER BY seq DESC LIMIT ` + asInt, args
}

// by has SQLite take the index whatever it makes of the rest.
func (w messageWay) by() string {
	if w.index == "" {
		return ""
	}
	return " INDEXED BY " + w.index
}

// floorQuery gives the row at which a page has looked at messageBudget rows of its way.
func (w messageWay) floorQuery() (string, []any) {
	if w.index == "" {
		return `SELECT seq - ` + strconv.Itoa(messageBudget) + ` FROM message_log WHERE seq < ` + asInt + ` ORDER BY seq DESC LIMIT 1`, nil
	}
	return `SELECT seq FROM message_log` + w.by() + ` WHERE seq < ` + asInt + ` AND ` + w.where + ` ORDER BY seq DESC LIMIT 1 OFFSET ` + strconv.Itoa(messageBudget),
		[]any{w.value}
}

const sqlMessagesFrom = `SELECT seq FROM message_log WHERE arrived >= ` + asInt + ` ORDER BY arrived LIMIT 1`

// messageFloor is where a page stops looking: after messageBudget rows of its way, or at
// the filter's beginning; more tells of the first that there may be messages below.
func messageFloor(ctx context.Context, tx *sql.Tx, f MessageFilter, w messageWay, below int64) (floor int64, more bool, err error) {
	q, args := w.floorQuery()
	looked, err := rowNumber(ctx, tx, q, 0, append([]any{below}, args...)...)
	if err != nil || f.From.IsZero() {
		return max(0, looked), looked > 0, err
	}
	first, err := rowNumber(ctx, tx, sqlMessagesFrom, below, micros(f.From))
	first = max(0, first-arrivedTogether)
	return max(first, looked), looked > first, err
}

// rowNumber asks for one number; none is what it is where there is no row.
func rowNumber(ctx context.Context, tx *sql.Tx, query string, none int64, args ...any) (int64, error) {
	n := none
	err := tx.QueryRowContext(ctx, query, args...).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return none, nil
	}
	return n, err
}

// arrivedTogether is by how much the order of numbers and that of arrivals may differ.
const arrivedTogether = 1000

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
