package observe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/wire"
	"portti/fixtures"
)

// archive is a stand-in that accepts everything.
func archive(t *testing.T) http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		n++
		id := between(b, `<id extension="`, `"`)
		w.Header().Set("Content-Type", "text/xml")
		_, _ = io.WriteString(w, `<s:Envelope xmlns:s="`+wire.NS11+`"><s:Body><MCCI_IN000002UV01 xmlns="urn:hl7-org:v3"><id root="1.2" extension="`+strconv.Itoa(n)+`"/>`+
			`<creationTime value="20260302110000+0200"/><acknowledgement typeCode="CA"><targetMessage><id root="1.2" extension="`+id+`"/></targetMessage></acknowledgement></MCCI_IN000002UV01></s:Body></s:Envelope>`)
	})
}

func between(b []byte, from, to string) string {
	_, rest, _ := strings.Cut(string(b), from)
	s, _, _ := strings.Cut(rest, to)
	return s
}

func newObserver(t *testing.T) *Observer {
	t.Helper()
	n := 0
	return New(Options{Root: "1.2.3", Now: func() time.Time { return fixtures.DefaultNow }, NewID: func() string { n++; return strconv.Itoa(n) },
		Wait: func(context.Context, time.Duration) {}})
}

func begin(t *testing.T, o *Observer, p Plan) string {
	t.Helper()
	id, err := o.Begin(p)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func frameOf(d *fixtures.Document) []byte {
	return []byte(`<s:Envelope xmlns:s="` + wire.NS11 + `"><s:Body>` + string(fixtures.Default().Frame(d)) + `</s:Body></s:Envelope>`)
}

// post sends a message through the observer; state is that of its TLS connection.
func post(o *Observer, next http.Handler, body []byte, state *tls.ConnectionState) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/soap", bytes.NewReader(body))
	r.TLS = state
	w := httptest.NewRecorder()
	defer func() { _ = recover() }() // a knob may cut the connection
	o.Around(next).ServeHTTP(w, r)
	return w
}

func TestThereAreEnoughKnobsAndEachIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, c := range cases.Default().Select(cases.Selection{Mode: cases.Client}) {
		for i, x := range c.Steps {
			if x.Knob == "" {
				continue
			}
			used[x.Knob] = true
			k := Knobs[x.Knob]
			if k == nil {
				t.Fatalf("%s: no knob %q", c.ID, x.Knob)
			}
			if i+1 < len(c.Steps) && x.Await.Query == "" && k.Resend != (c.Steps[i+1].Await.Same != "") {
				t.Errorf("%s: after %s the client must resend: %t", c.ID, x.Knob, k.Resend)
			}
		}
	}
	for n, k := range Knobs {
		if !used[n] || k.Why == "" || cases.Default().Word("knob", n) == nil {
			t.Errorf("knob %s: used %t, why %q", n, used[n], k.Why)
		}
	}
	if len(Knobs) < 15 {
		t.Errorf("%d knobs", len(Knobs))
	}
}

// TestPRO6_SystemsAreToldApart: by the organisation of the client certificate, or by the
// sender that the frame names.
func TestPRO6_SystemsAreToldApart(t *testing.T) {
	w := fixtures.Default()
	a, b := w.Organisations[0], w.Organisations[1]
	connection := func(s *fixtures.System) *tls.ConnectionState {
		return &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{s.Transport.Certificate}}}
	}
	for _, x := range []struct {
		name  string
		plan  Plan
		state *tls.ConnectionState
		mine  bool
	}{
		{"own certificate", Plan{Certificate: a.OID}, connection(a.System), true},
		{"another's certificate", Plan{Certificate: a.OID}, connection(b.System), false},
		{"no certificate", Plan{Certificate: a.OID}, nil, false},
		{"own device", Plan{Device: a.OID}, nil, true},
		{"another's device", Plan{Device: b.OID}, nil, false},
		{"anybody", Plan{}, nil, true},
	} {
		o := newObserver(t)
		x.plan.IDs = []string{"CLIENT-CONNECTION"}
		id := begin(t, o, x.plan)
		post(o, archive(t), frameOf(w.Doc("old-pdf")), x.state)
		r, err := o.Report(id)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Count().Passed == 1; got != x.mine {
			t.Errorf("%s: taken as the observed system's: %t", x.name, got)
		}
	}
}

func TestWhatIsNotWatchedPassesUntouched(t *testing.T) {
	o := newObserver(t)
	o.Most = 100
	id := begin(t, o, Plan{IDs: []string{"CLIENT-STORE-NOTE"}})
	var got []byte
	next := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, _ = io.ReadAll(r.Body) })
	large := bytes.Repeat([]byte("x"), 1000)
	post(o, next, large, nil)
	if !bytes.Equal(got, large) {
		t.Errorf("%d bytes came through, of %d", len(got), len(large))
	}
	if r, _ := o.Report(id); r.Count().Open != 1 {
		t.Error("a message that was not watched was judged")
	}
}

func TestKnobsByHandSkipAndAgain(t *testing.T) {
	w := fixtures.Default()
	o := newObserver(t)
	id := begin(t, o, Plan{IDs: []string{"CLIENT-STORE-OLD-PDF", "CLIENT-STORE-OLD-XHTML"}})
	if err := o.Turn(id, "no-such"); !errors.Is(err, ErrNoKnob) {
		t.Error(err)
	}
	if err := o.Turn("no-such", "busy"); !errors.Is(err, ErrNoSession) {
		t.Error(err)
	}
	if err := o.Turn(id, "busy"); err != nil {
		t.Fatal(err)
	}
	if a := post(o, archive(t), frameOf(w.Doc("old-pdf")), nil); a.Code != http.StatusServiceUnavailable {
		t.Errorf("the knob busy answered %d", a.Code)
	}
	post(o, archive(t), frameOf(w.Doc("old-pdf")), nil) // PDF where XHTML is asked for
	r, _ := o.Report(id)
	if r.Results[1].Verdict != report.Failed || r.Results[1].Steps[0].Problems[0].Key != "await-body" {
		t.Errorf("%+v", r.Results[1])
	}
	if err := o.Again(id); err != nil {
		t.Fatal(err)
	}
	post(o, archive(t), frameOf(w.Doc("old-xhtml")), nil)
	if r, _ = o.Report(id); r.Count().Passed != 2 || !o.Done() {
		t.Errorf("%+v", r.Count())
	}
}

func TestPagesTellStateAndRefuseNonsense(t *testing.T) {
	o := newObserver(t)
	srv := httptest.NewServer(o.Pages())
	defer srv.Close()
	for _, x := range []struct {
		method, path, body string
		want               int
		contains           string
	}{
		{"POST", "sessions", `{"ids":["CLIENT-STORE-NOTE"],"name":"x"}`, http.StatusCreated, `"id"`},
		{"POST", "sessions", `{"ids":["NO-SUCH"]}`, http.StatusBadRequest, "chooses no case"},
		{"POST", "sessions", `{"unknown":1}`, http.StatusBadRequest, "plan as JSON"},
		{"GET", "", "", http.StatusOK, "CLIENT-STORE-NOTE"},
		{"GET", "?format=json", "", http.StatusOK, `"case":"CLIENT-STORE-NOTE"`},
		{"GET", "cases", "", http.StatusOK, "STORE-PLAN"},
		{"GET", "cases?format=html&lang=fi", "", http.StatusOK, "Arkistoi: asiakassuunnitelma"},
		{"GET", "knobs", "", http.StatusOK, "half-answer"},
		{"GET", "sessions/1?format=html&lang=fi", "", http.StatusOK, `<html lang="fi"`},
		{"GET", "sessions/1?format=exe", "", http.StatusBadRequest, "format"},
		{"GET", "sessions/9", "", http.StatusNotFound, "no such session"},
		{"POST", "sessions/1/knob/nothing", "", http.StatusBadRequest, "no such knob"},
		{"POST", "sessions/1/skip", "", http.StatusNoContent, ""},
		{"POST", "sessions/9/again", "", http.StatusNotFound, "no such session"},
	} {
		req, err := http.NewRequest(x.method, srv.URL+Prefix+x.path, strings.NewReader(x.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != x.want || !strings.Contains(string(b), x.contains) {
			t.Errorf("%s %s: %d %.200s", x.method, x.path, res.StatusCode, b)
		}
	}
}

// A session that has ended judges nothing more, tells what was open, and makes room; two
// that would observe the same messages do not go on at one time.
func TestTEST2_SessionsEndAndDoNotMeet(t *testing.T) {
	w := fixtures.Default()
	o := newObserver(t)
	ids := []string{"CLIENT-STORE-OLD-PDF", "CLIENT-STORE-OLD-XHTML"}
	id := begin(t, o, Plan{IDs: ids})
	if _, err := o.Begin(Plan{IDs: ids}); !errors.Is(err, ErrTaken) {
		t.Error(err)
	}
	other := begin(t, o, Plan{IDs: ids, Device: "1.2.3"})
	post(o, archive(t), frameOf(w.Doc("old-pdf")), nil)
	r, err := o.End(id)
	if err != nil || r.Count().Passed != 1 || r.Count().Open != 1 {
		t.Errorf("%+v %v", r, err)
	}
	post(o, archive(t), frameOf(w.Doc("old-xhtml")), nil)
	if r, _ := o.Report(id); r.Count().Open != 1 {
		t.Error("an ended session judged a message")
	}
	for _, act := range []func() error{
		func() error { _, err := o.End(id); return err }, func() error { return o.Again(id) }, func() error { return o.Skip(id) },
		func() error { return o.Turn(id, "busy") },
	} {
		if err := act(); !errors.Is(err, ErrOver) {
			t.Error(err)
		}
	}
	for i := len(o.sessions); i < maxSessions; i++ {
		begin(t, o, Plan{IDs: ids, Device: strconv.Itoa(i)})
	}
	begin(t, o, Plan{IDs: ids}) // in the place of the ended one
	if _, err := o.Report(id); !errors.Is(err, ErrNoSession) {
		t.Error(err)
	}
	if _, err := o.Begin(Plan{IDs: ids, Device: "one more"}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	if st := o.States()[0]; st.ID != other || len(st.Cases) != 2 || st.Cases[1].Verdict != report.Open {
		t.Errorf("%+v", st)
	}
}
