package store

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// logged fills a message log with one message an hour: every third refused, of two
// devices and two owners.
func logged(t *testing.T, n int) *Store {
	t.Helper()
	now := noon
	s := open(t, func(o *Options) { o.Now = func() time.Time { return now } })
	for i := range n {
		a := doc(id(i))
		a.Message.Arrived = noon.Add(time.Duration(i) * time.Hour)
		a.Message.Device = []string{"device-a", "device-b"}[i%2]
		a.Message.Owner = []string{ctlA, ctlB}[i%2]
		now = a.Message.Arrived
		if i%3 == 0 {
			a.Message.Verdict, a.Message.Raw = "CE", []byte("<request/>")
			a.Message.DocumentID = a.ID
			if err := s.LogMessage(bg, a.Message); err != nil {
				t.Fatal(err)
			}
			continue
		}
		mustArchive(t, s, a)
	}
	return s
}

// SEC-3: who sent what, when, and what it was answered, found by each field and
// within the scope alone.
func TestSEC3_MessagesAreFoundByEachField(t *testing.T) {
	const n = 24
	s := logged(t, n)
	mustRefuse := doc(id(1))
	mustRefuse.Document = []byte("<other/>")
	refused(t, s, mustRefuse, RuleIDBytes)
	for name, c := range map[string]struct {
		sc   Scope
		f    MessageFilter
		want int
	}{
		"all":                 {all, MessageFilter{}, n + 1},
		"own":                 {inA, MessageFilter{}, n/2 + 1},
		"nobody's":            {Scope{Purpose: "test"}, MessageFilter{}, 0},
		"device":              {all, MessageFilter{Device: "device-b"}, n / 2},
		"verdict":             {all, MessageFilter{Verdict: "CE"}, n / 3},
		"usual verdict":       {all, MessageFilter{Verdict: "CA"}, n - n/3 + 1},
		"rule":                {all, MessageFilter{Rule: RuleIDBytes}, 1},
		"suspicious":          {all, MessageFilter{Suspicious: true}, 1},
		"message":             {all, MessageFilter{MessageID: "m-" + id(4)}, 1},
		"document":            {all, MessageFilter{DocumentID: id(4)}, 1},
		"another's document":  {inA, MessageFilter{DocumentID: id(5)}, 0},
		"interaction":         {all, MessageFilter{Interaction: "RCMR_IN200002FI01"}, n + 1},
		"another interaction": {all, MessageFilter{Interaction: "QUQI"}, 0},
		"service request":     {all, MessageFilter{ServiceRequest: "SP17"}, 0},
		"from":                {all, MessageFilter{From: noon.Add(20 * time.Hour)}, 5},
		"until":               {all, MessageFilter{Until: noon.Add(2 * time.Hour)}, 2},
	} {
		p, err := s.Messages(bg, c.sc, c.f, 100, "")
		if err != nil || len(p.Messages) != c.want || p.Next != "" {
			t.Errorf("%s: %d messages, want %d; next %q, %v", name, len(p.Messages), c.want, p.Next, err)
		}
	}
}

// No search of the message browser reads the log through or sorts what it found: each
// goes by an index, newest first, whatever the size of the log. The plans do not hang on
// the number of rows, since every way names its index.
func TestSEC3_MessageSearchesNeverScan(t *testing.T) {
	s := open(t)
	db := rawDB(t, s)
	plan := func(name, q string, args []any) string {
		t.Helper()
		rows, err := db.Query("EXPLAIN QUERY PLAN "+q, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var a, b, c int
			var detail string
			if err := rows.Scan(&a, &b, &c, &detail); err != nil {
				t.Fatal(err)
			}
			out = append(out, detail)
		}
		text := strings.Join(out, "; ")
		if len(out) == 0 || strings.Contains(text, "SCAN") || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("%s: %s", name, text)
		}
		return text
	}
	at := noon
	fields := []struct {
		index string
		set   func(*MessageFilter)
	}{
		{"message_log_message", func(f *MessageFilter) { f.MessageID = "m" }},
		{"message_log_document", func(f *MessageFilter) { f.DocumentID = "d" }},
		{"message_log_rule", func(f *MessageFilter) { f.Rule = "r" }},
		{"message_log_verdict", func(f *MessageFilter) { f.Verdict = "CE" }},
		{"message_log_device", func(f *MessageFilter) { f.Device = "x" }},
		{"message_log_request", func(f *MessageFilter) { f.ServiceRequest = "SP1" }},
		{"PRIMARY KEY", func(f *MessageFilter) { f.Interaction = "i" }},
		{"PRIMARY KEY", func(f *MessageFilter) { f.Verdict = "CA" }},
		{"PRIMARY KEY", func(f *MessageFilter) { f.Suspicious = true }},
		{"PRIMARY KEY", func(f *MessageFilter) { f.From, f.Until = at, at }},
	}
	for a := range fields {
		for b := range fields { // alone, and each with each
			var f MessageFilter
			fields[b].set(&f)
			fields[a].set(&f)
			w := f.way()
			for _, sc := range []Scope{all, inA} {
				q, args := f.query(sc, w)
				got := plan(fmt.Sprint(a, "+", b), q, append(append([]any{9, 1}, args...), 25))
				if a == b && !strings.Contains(got, fields[a].index) {
					t.Errorf("%+v does not go by %s: %s", f, fields[a].index, got)
				}
			}
			q, args := w.floorQuery()
			plan(fmt.Sprint("floor ", a, "+", b), q, append([]any{9}, args...))
		}
	}
	plan("from", sqlMessagesFrom, []any{1})
	plan("until", sqlMessagesUntil, []any{1})
}

func TestMessagesComeInPages(t *testing.T) {
	s := logged(t, 12)
	var numbers []int64
	next := ""
	for pages := 0; ; pages++ {
		p, err := s.Messages(bg, all, MessageFilter{}, 5, next)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range p.Messages {
			numbers = append(numbers, m.Number)
		}
		if next = p.Next; next == "" || pages > 9 {
			break
		}
	}
	if len(numbers) != 12 {
		t.Fatalf("%v", numbers)
	}
	for i, n := range numbers {
		if n != int64(12-i) {
			t.Errorf("place %d has message %d", i, n)
		}
	}
	_, err := s.Messages(bg, all, MessageFilter{}, 5, "x")
	wantErr(t, err, ErrInput)
	_, err = s.Messages(bg, all, MessageFilter{}, 0, "")
	wantErr(t, err, ErrInput)
	_, err = s.Messages(bg, Scope{All: true}, MessageFilter{}, 1, "")
	wantErr(t, err, ErrScope)
}

func TestSEC3_AMessageComesWithWhatWasAskedAndAnswered(t *testing.T) {
	s := logged(t, 3)
	kept := doc(id(1))
	m, err := s.LoggedMessage(bg, all, 2)
	if err != nil || m.Verdict != "CA" || string(m.Acknowledgement) != "<ack/>" || !bytes.Equal(m.Request, kept.Frame) {
		t.Errorf("archived: %+v %v", m, err)
	}
	m, err = s.LoggedMessage(bg, all, 1)
	if err != nil || m.Verdict != "CE" || string(m.Request) != "<request/>" {
		t.Errorf("refused: %+v %v", m, err)
	}
	_, err = s.LoggedMessage(bg, inA, 2)
	wantErr(t, err, ErrNotFound)
}

func TestResultsStayWhatTheyWere(t *testing.T) {
	s := open(t)
	result := bytes.Repeat([]byte("result "), 100)
	if err := s.KeepResult(bg, "r1", result); err != nil {
		t.Fatal(err)
	}
	if err := s.KeepResult(bg, "r1", []byte("another")); err == nil {
		t.Error("an id was taken twice")
	}
	wantErr(t, s.KeepResult(bg, "", result), ErrInput)
	got, err := s.Result(bg, "r1")
	if err != nil || !bytes.Equal(got, result) {
		t.Errorf("%q %v", got, err)
	}
	_, err = s.Result(bg, "r2")
	wantErr(t, err, ErrNotFound)
	wantClean(t, s)
	db := rawDB(t, s)
	if _, err := db.Exec(`UPDATE results SET at = 0`); err == nil {
		t.Error("a result was changed")
	}
	dropTriggers(t, db)
	if _, err := db.Exec(`UPDATE results SET payload = x'0041'`); err != nil {
		t.Fatal(err)
	}
	_, err = s.Result(bg, "r1")
	wantErr(t, err, ErrDamaged)
}
