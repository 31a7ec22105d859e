package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"portti/store"
)

// logForm is what is asked of a log (LOG-4). It comes by POST alone.
type logForm struct {
	Log, Client, User, Document, Action, From, Until string
	Refused                                          bool
	Next                                             string
}

// The logs that can be asked.
const (
	usageLog      = "usage"
	disclosureLog = "disclosures"
)

func readLogForm(r *http.Request) *logForm {
	v := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	f := &logForm{Log: v("log"), Client: v("client"), User: v("user"), Document: v("document"), Action: v("action"),
		From: v("from"), Until: v("until"), Refused: v("refused") != "", Next: v("next")}
	if f.Log != disclosureLog {
		f.Log = usageLog
	}
	return f
}

func (f *logForm) filter() (store.LogFilter, error) {
	out := store.LogFilter{Client: f.Client, User: f.User, DocumentID: f.Document}
	if f.Log == usageLog {
		out.Action = f.Action
	}
	if f.Refused {
		out.Attempts = store.RefusedAttempts
	}
	var err error
	if out.From, err = day(f.From, 0); err != nil {
		return out, err
	}
	out.Until, err = day(f.Until, 1)
	return out, err
}

// logsPage is a log with its rows.
type logsPage struct {
	page
	Form *logForm
	Rows []logRow
	// Asked tells that the form was sent.
	Asked bool
	Next  string
}

// logRow is a row of either log.
type logRow struct {
	At                                                           time.Time
	Client, User, UserName, Document, Action, Purpose, Recipient string
	Ground, Refused, System, DataController                      string
}

func (s *Site) logs(w http.ResponseWriter, r *http.Request, _ *session) {
	p := logsPage{page: s.page(w, r, "logs"), Form: &logForm{Log: usageLog}}
	s.write(w, &p.page, http.StatusOK, "logs", p)
}

// searchLogs answers the form: as a page, or with export=csv as a file.
func (s *Site) searchLogs(w http.ResponseWriter, r *http.Request, x *session) {
	form := readLogForm(r)
	f, err := form.filter()
	if err != nil {
		s.tell(w, r, http.StatusBadRequest, "bad_request", "bad_day")
		return
	}
	export := r.PostFormValue("export") == "csv"
	if err := s.logLook(r, x, form, export); err != nil {
		s.fail(w, r, err)
		return
	}
	if export {
		s.exportLog(w, r, x, form, f)
		return
	}
	p := logsPage{page: s.page(w, r, "logs"), Form: form, Asked: true}
	if p.Rows, p.Next, err = s.logRows(r, x, form, f, onPage, form.Next); err != nil {
		s.fail(w, r, err)
		return
	}
	s.write(w, &p.page, http.StatusOK, "logs", p)
}

// logLook writes the look at a log into the usage log before it is answered (LOG-5).
func (s *Site) logLook(r *http.Request, x *session, form *logForm, export bool) error {
	action := "archivist-log"
	if export {
		action = "archivist-log-export"
	}
	detail := *form
	detail.Client, detail.Next = "", ""
	b, err := json.Marshal(detail)
	if err != nil {
		return err
	}
	u := x.usage(action, form.Client, form.Document)
	u.Detail = b
	return s.Store.Log(r.Context(), store.Entries{Usage: []store.Usage{u}})
}

func (s *Site) logRows(r *http.Request, x *session, form *logForm, f store.LogFilter, limit int, from string) ([]logRow, string, error) {
	var out []logRow
	if form.Log == disclosureLog {
		p, err := s.Store.SearchDisclosures(r.Context(), x.scope(), f, limit, from)
		for i := range p.Entries {
			e := &p.Entries[i]
			out = append(out, logRow{At: e.At, Client: e.Client, User: e.User, UserName: e.UserName, Document: e.DocumentID,
				Action: e.Description, Purpose: e.Purpose, Recipient: e.Recipient, Ground: e.Ground, Refused: e.Refused, DataController: e.DataController})
		}
		return out, p.Next, err
	}
	p, err := s.Store.SearchUsage(r.Context(), x.scope(), f, limit, from)
	for i := range p.Entries {
		e := &p.Entries[i]
		out = append(out, logRow{At: e.At, Client: e.Client, User: e.User, UserName: e.UserName, Document: e.DocumentID,
			Action: e.Action, Purpose: e.Purpose, Refused: e.Refused, System: e.System, DataController: e.DataController})
	}
	return out, p.Next, err
}

// maxExport bounds the rows of a file; whoever wants more uses portti log.
const maxExport = 50_000

// exportLog writes the rows as CSV for the data protection officer. All is read before
// the first octet leaves: a failure must not look like the end of the log.
func (s *Site) exportLog(w http.ResponseWriter, r *http.Request, x *session, form *logForm, f store.LogFilter) {
	var rows []logRow
	for next := ""; ; {
		got, more, err := s.logRows(r, x, form, f, store.MaxPage, next)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if rows, next = append(rows, got...), more; next == "" || len(rows) >= maxExport {
			break
		}
	}
	h := w.Header()
	safeHeaders(h, "sandbox; default-src 'none'")
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+form.Log+`.csv"`)
	out := csv.NewWriter(w)
	_ = out.Write([]string{"time", "dataController", "client", "user", "userName", "document", "action", "purpose", "recipient", "ground", "system", "refused"})
	for _, e := range rows {
		// A client that has gone is no fault of ours.
		_ = out.Write(plainCells(e.At.UTC().Format(time.RFC3339Nano), e.DataController, e.Client, e.User, e.UserName, e.Document, e.Action,
			e.Purpose, e.Recipient, e.Ground, e.System, e.Refused))
	}
	out.Flush()
}

// plainCells keeps a spreadsheet from taking a cell for a formula.
func plainCells(cells ...string) []string {
	for i, c := range cells {
		if c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
			cells[i] = "'" + c
		}
	}
	return cells
}

// historyRows is how many looks a document's page shows.
const historyRows = 20

// history gives who used the document last, by both logs.
func (s *Site) history(r *http.Request, x *session, id string) (rows []logRow, err error) {
	for _, log := range []string{usageLog, disclosureLog} {
		got, _, err := s.logRows(r, x, &logForm{Log: log}, store.LogFilter{DocumentID: id}, historyRows, "")
		if err != nil {
			return nil, err
		}
		rows = append(rows, got...)
	}
	return rows, nil
}
