package store

import (
	"bytes"
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
