package logs

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"portti/store"
)

// Format is a form in which entries are supplied.
type Format string

// The formats.
const (
	Text      Format = "text"
	CSV       Format = "csv"
	JSONLines Format = "jsonl"
)

// Formats lists them.
var Formats = []Format{Text, CSV, JSONLines}

// Entry is an entry of either log as it is supplied. Fields that its log does not
// have are empty.
type Entry struct {
	Log            store.LogName   `json:"log"`
	Number         int64           `json:"number"`
	Leaf           int64           `json:"leaf"`
	Time           string          `json:"time"`
	DataController string          `json:"dataController"`
	LogController  string          `json:"logController"`
	Client         string          `json:"client,omitempty"`
	User           string          `json:"user,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	System         string          `json:"system,omitempty"`
	Discloser      string          `json:"discloser,omitempty"`
	Recipient      string          `json:"recipient,omitempty"`
	Document       string          `json:"document,omitempty"`
	Action         string          `json:"action,omitempty"`
	Description    string          `json:"description,omitempty"`
	Purpose        string          `json:"purpose,omitempty"`
	Ground         string          `json:"ground,omitempty"`
	Refused        string          `json:"refused,omitempty"`
	Detail         json.RawMessage `json:"detail,omitempty"`
}

func ofUsage(e store.UsageEntry) Entry {
	return Entry{Log: store.UsageLog, Number: e.Seq, Leaf: e.Leaf, Time: stamp(e.At), DataController: e.DataController, LogController: e.LogController,
		Client: e.Client, User: e.User, UserName: e.UserName, System: e.System, Document: e.DocumentID, Action: e.Action,
		Purpose: e.Purpose, Refused: e.Refused, Detail: raw(e.Detail)}
}

func ofDisclosure(e store.DisclosureEntry) Entry {
	return Entry{Log: store.DisclosureLog, Number: e.Seq, Leaf: e.Leaf, Time: stamp(e.At), DataController: e.DataController, LogController: e.LogController,
		Client: e.Client, User: e.User, UserName: e.UserName, Discloser: e.Discloser, Recipient: e.Recipient, Document: e.DocumentID,
		Description: e.Description, Purpose: e.Purpose, Ground: e.Ground, Refused: e.Refused, Detail: raw(e.Detail)}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z07:00") }

// raw keeps a detail that is JSON as it is; any other becomes a JSON string.
func raw(b []byte) json.RawMessage {
	if len(b) == 0 {
		return nil
	}
	if json.Valid(b) {
		return b
	}
	quoted, _ := json.Marshal(string(b)) // a string always has a form
	return quoted
}

// columns are the columns of CSV and text for each log.
var columns = map[store.LogName][]string{
	store.UsageLog: {"number", "time", "dataController", "logController", "client", "user", "userName", "system", "document", "action", "purpose", "refused", "leaf", "detail"},
	store.DisclosureLog: {"number", "time", "dataController", "logController", "client", "discloser", "user", "userName", "recipient", "document", "description",
		"purpose", "ground", "refused", "leaf", "detail"},
}

func (e *Entry) cell(column string) string {
	return map[string]string{
		"number": strconv.FormatInt(e.Number, 10), "time": e.Time, "dataController": e.DataController, "logController": e.LogController,
		"client": e.Client, "user": e.User, "userName": e.UserName, "system": e.System, "discloser": e.Discloser, "recipient": e.Recipient,
		"document": e.Document, "action": e.Action, "description": e.Description, "purpose": e.Purpose, "ground": e.Ground,
		"refused": e.Refused, "leaf": strconv.FormatInt(e.Leaf, 10), "detail": string(e.Detail),
	}[column]
}

// writer writes entries in a format.
type writer struct {
	entry func(Entry) error
	end   func() error
}

func newWriter(f Format, log store.LogName, w io.Writer) (*writer, error) {
	switch f {
	case JSONLines:
		enc := json.NewEncoder(w)
		return &writer{func(e Entry) error { return enc.Encode(e) }, func() error { return nil }}, nil
	case CSV:
		c := csv.NewWriter(w)
		if err := c.Write(columns[log]); err != nil {
			return nil, err
		}
		return &writer{func(e Entry) error { return c.Write(cells(&e)) }, func() error { c.Flush(); return c.Error() }}, nil
	case Text:
		return textWriter(log, w), nil
	}
	return nil, fmt.Errorf("logs: there is no format %q", f)
}

func cells(e *Entry) []string {
	names := columns[e.Log]
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = harmless(e.cell(n))
	}
	return out
}

// harmless keeps a spreadsheet from taking a cell for a formula: what people and
// systems write into names must not run where the log is read.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// textWriter writes a table for people, without detail.
func textWriter(log store.LogName, w io.Writer) *writer {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	names := columns[log][:len(columns[log])-1]
	line := func(cells []string) error {
		for i, c := range cells {
			cells[i] = strings.Map(printable, c)
		}
		_, err := fmt.Fprintln(tw, strings.Join(cells, "\t"))
		return err
	}
	head := line(append([]string(nil), names...))
	return &writer{func(e Entry) error {
		out := make([]string, len(names))
		for i, n := range names {
			if out[i] = e.cell(n); out[i] == "" {
				out[i] = "–"
			}
		}
		return line(out)
	}, func() error {
		if head != nil {
			return head
		}
		return tw.Flush()
	}}
}

// printable keeps a terminal from taking a name for a command.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return ' '
	}
	return r
}
