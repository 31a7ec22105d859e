package migrate

import (
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

// Record is what became of one row, or of one document made beside the rows.
type Record struct {
	// Row is 0 for a relationship or case that was made.
	Row   int64  `json:"row,omitempty"`
	OldID string `json:"oldId,omitempty"`
	// Kind is document, relationship or case.
	Kind     string `json:"kind"`
	Document string `json:"document,omitempty"`
	// State is archived, rejected, waiting, later, refused or duplicate.
	State           string    `json:"state"`
	Verdict         string    `json:"verdict,omitempty"`
	Reason          string    `json:"reason,omitempty"`
	Detail          string    `json:"detail,omitempty"`
	Text            string    `json:"text,omitempty"`
	Remedy          string    `json:"remedy,omitempty"`
	Findings        []Finding `json:"findings"`
	Acknowledgement string    `json:"acknowledgement,omitempty"`
	Message         string    `json:"message,omitempty"`
	Answered        time.Time `json:"answered,omitzero"`
	TookMS          int64     `json:"tookMs,omitempty"`
	Attempts        int       `json:"attempts,omitempty"`
	Size            int64     `json:"size,omitempty"`
}

var kindNames = map[class]string{classRelation: "relationship", classCase: "case", classDocument: "document"}

// Records calls each for every row of the table, in its order, and then for every
// relationship and case that was made.
func (j *Journal) Records(ctx context.Context, lang string, each func(Record) error) error {
	if err := j.commit(); err != nil {
		return err
	}
	const answer = `coalesce(a.state,''), coalesce(a.verdict,''), coalesce(a.findings,'[]'), coalesce(a.acknowledgement,''), coalesce(a.message,''), coalesce(a.at,0), coalesce(a.took_ms,0), coalesce(a.attempts,0)`
	err := j.query(ctx, func(r *sql.Rows) error { return scanRecord(r, lang, each) },
		`SELECT r.row, r.old_id, 3, coalesce(d.oid,''), r.state, r.reason, r.detail, r.findings, coalesce(d.size,0), `+answer+`
		FROM rows r LEFT JOIN documents d ON d.seq=r.document LEFT JOIN answers a ON a.seq=d.seq ORDER BY r.row`)
	if err != nil {
		return err
	}
	return j.query(ctx, func(r *sql.Rows) error { return scanRecord(r, lang, each) },
		`SELECT 0, '', d.class, d.oid, 'built', '', '', '[]', d.size, `+answer+` FROM documents d LEFT JOIN answers a ON a.seq=d.seq WHERE d.class<3 ORDER BY d.seq`)
}

func scanRecord(r *sql.Rows, lang string, each func(Record) error) error {
	var x Record
	var c class
	var built, found, answer, answers string
	var at int64
	if err := r.Scan(&x.Row, &x.OldID, &c, &x.Document, &built, &x.Reason, &x.Detail, &found, &x.Size,
		&answer, &x.Verdict, &answers, &x.Acknowledgement, &x.Message, &at, &x.TookMS, &x.Attempts); err != nil {
		return err
	}
	x.Kind, x.State = kindNames[c], built
	switch {
	case answer == "refused":
		x.State, x.Reason = "refused", ReasonRejected
	case answer != "":
		x.State = answer
	case built == "built":
		x.State = "waiting"
	}
	if at > 0 {
		x.Answered = time.UnixMilli(at).UTC()
	}
	if answer != "" {
		found = answers
	}
	if err := json.Unmarshal([]byte(found), &x.Findings); err != nil {
		return err
	}
	if x.Findings == nil {
		x.Findings = []Finding{}
	}
	if why := ReasonOf(x.Reason); why != nil {
		x.Text, x.Remedy = why.Text.In(lang), why.Remedy.In(lang)
	}
	return each(x)
}

// csvHead are the columns of the report's CSV.
var csvHead = []string{"row", "old_id", "kind", "document", "state", "verdict", "reason", "detail", "text", "remedy", "findings", "acknowledgement", "answered", "took_ms", "attempts", "size"}

// WriteRecords writes the report per document as CSV and as JSON lines.
func (j *Journal) WriteRecords(ctx context.Context, lang string, asCSV, asJSON io.Writer) error {
	table := csv.NewWriter(asCSV)
	lines := json.NewEncoder(asJSON)
	lines.SetEscapeHTML(false)
	err := table.Write(csvHead)
	if err == nil {
		err = j.Records(ctx, lang, func(x Record) error { return errors.Join(lines.Encode(x), table.Write(x.cells())) })
	}
	table.Flush()
	return errors.Join(err, table.Error())
}

func (x *Record) cells() []string {
	answered := ""
	if !x.Answered.IsZero() {
		answered = x.Answered.Format(time.RFC3339)
	}
	rules := make([]string, len(x.Findings))
	for i, f := range x.Findings {
		rules[i] = f.Rule
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	out := []string{number(x.Row), x.OldID, x.Kind, x.Document, x.State, x.Verdict, x.Reason, x.Detail, x.Text, x.Remedy, strings.Join(rules, " "),
		x.Acknowledgement, answered, number(x.TookMS), strconv.Itoa(x.Attempts), number(x.Size)}
	for i, c := range out { // a cell must not become a formula in a spreadsheet
		if c != "" && strings.ContainsRune("=+-@\t", rune(c[0])) && i != 0 {
			out[i] = "'" + c
		}
	}
	return out
}

// Summary is what a report's figures come to.
type Summary struct {
	Title string
	At    time.Time
	// States counts by kind and state.
	States map[string]map[string]int64
	Bytes  int64
	// Problems by reason or rule, the most frequent first.
	Problems []*Problem
	// Warnings are findings that do not reject, by rule.
	Warnings []*Problem
	// Took is of all answers, in milliseconds: mean and greatest.
	MeanMS, MostMS int64
	First, Last    time.Time
	// Reconciled is nil where no archive was asked.
	Reconciled *Reconciliation
	// Estimate is how long sending would take; 0 where it was not asked.
	Estimate time.Duration
}

// Problem is one kind of trouble with examples.
type Problem struct {
	ID       string
	Count    int64
	Text     string
	Remedy   string
	Examples []Example
}

// Example is a row that has the problem, or the document of a relationship or case,
// which has no row.
type Example struct {
	Row      int64
	OldID    string
	Document string
	Detail   string
}

const maxExamples = 3

// Summarise counts the journal's records.
func (j *Journal) Summarise(ctx context.Context, lang, title string, at time.Time) (*Summary, error) {
	s := &Summary{Title: title, At: at, States: map[string]map[string]int64{}}
	problems, warnings := map[string]*Problem{}, map[string]*Problem{}
	var took, answers int64
	err := j.Records(ctx, lang, func(x Record) error {
		if s.States[x.Kind] == nil {
			s.States[x.Kind] = map[string]int64{}
		}
		s.States[x.Kind][x.State]++
		if x.State != "refused" && x.State != "duplicate" {
			s.Bytes += x.Size
		}
		if x.TookMS > 0 || !x.Answered.IsZero() && x.Attempts > 0 {
			took, answers, s.MostMS = took+x.TookMS, answers+1, max(s.MostMS, x.TookMS)
			if s.First.IsZero() || x.Answered.Before(s.First) {
				s.First = x.Answered
			}
			if x.Answered.After(s.Last) {
				s.Last = x.Answered
			}
		}
		s.count(problems, warnings, &x)
		return nil
	})
	if answers > 0 {
		s.MeanMS = took / answers
	}
	s.Problems, s.Warnings = sorted(problems), sorted(warnings)
	return s, err
}

func (s *Summary) count(problems, warnings map[string]*Problem, x *Record) {
	if x.Reason != "" && x.Reason != ReasonRejected {
		tally(problems, x.Reason, x.Text, x.Remedy, x)
		return
	}
	seen := map[string]bool{}
	for _, f := range x.Findings {
		if seen[f.Rule] {
			continue
		}
		seen[f.Rule] = true
		switch f.Severity {
		case "error":
			tally(problems, f.Rule, f.Text, f.Hint, x)
		case "warning":
			tally(warnings, f.Rule, f.Text, f.Hint, x)
		}
	}
}

func tally(m map[string]*Problem, id, text, remedy string, x *Record) {
	p := m[id]
	if p == nil {
		p = &Problem{ID: id, Text: text, Remedy: remedy}
		m[id] = p
	}
	p.Count++
	if len(p.Examples) < maxExamples {
		p.Examples = append(p.Examples, Example{x.Row, x.OldID, x.Document, x.Detail})
	}
}
