package gateway

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"portti/cda/organisations"
	"portti/gateway/pipeline"
	"portti/store"
	"portti/store/proof"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"
)

// get asks the gateway and gives status and body.
func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	res, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// A system asks later for the proof of what it sent, and for the proof that nothing
// was changed since; all of it holds with the key alone.
func TestARK9_ProofsOverTheWire(t *testing.T) {
	g := start(t, nil)
	d := world().Documents[0]
	g.send(world().Frame(d))
	base, who := g.URL+"/proofs/", "?sender="+d.Spec.Controller.OID
	ask := func(path string, want int) string {
		t.Helper()
		status, body := get(t, g.http, base+path)
		if status != want {
			t.Fatalf("%s: HTTP %d %s", path, status, body)
		}
		return body
	}
	key := strings.TrimSpace(ask("key"+who, http.StatusOK))
	if key != g.Store.CheckpointKey() {
		t.Errorf("the key: %s", key)
	}
	first, err := proof.Open(ask("checkpoint"+who, http.StatusOK), key)
	if err != nil {
		t.Fatal(err)
	}
	in, _, err := proof.Read([]byte(ask("documents/"+d.OID+who, http.StatusOK)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.VerifyDocument(key, d.Bytes); err != nil {
		t.Error(err)
	}
	// The proof's own log row makes the tree grow.
	second, err := proof.Open(ask("checkpoint"+who, http.StatusOK), key)
	if err != nil || second.Size <= first.Size {
		t.Fatalf("%d leaves after %d: %v", second.Size, first.Size, err)
	}
	for _, to := range []string{"", fmt.Sprintf("&to=%d", second.Size)} {
		_, con, err := proof.Read([]byte(ask(fmt.Sprintf("consistency%s&from=%d%s", who, first.Size, to), http.StatusOK)))
		if err != nil {
			t.Fatal(err)
		}
		if from, _, err := con.Verify(key); err != nil || from.Size != first.Size {
			t.Errorf("%+v %v", from, err)
		}
	}
	for path, want := range map[string]string{
		"consistency" + who + "&from=99999":                       RuleProofCheckpoint,
		"documents/1.2.3" + who:                                   RuleProofMissing,
		"documents/" + d.OID + "?sender=1.2.246.10.99999902.10.0": RuleProofMissing,
		"documents/" + d.OID:                                      RuleProofMissing,
		"documents/leaf:0" + who:                                  RuleProofMissing,
		"elsewhere" + who:                                         RuleProofRequest,
	} {
		if body := ask(path, http.StatusNotFound); !strings.Contains(body, want) {
			t.Errorf("%s: %s", path, body)
		}
	}
	for _, bad := range []string{"from=x", "from=-1", "", fmt.Sprintf("from=%d&to=%d", second.Size, first.Size)} {
		if body := ask("consistency"+who+"&"+bad, http.StatusBadRequest); !strings.Contains(body, RuleProofRequest) {
			t.Errorf("%s: %s", bad, body)
		}
	}
	res, err := g.http.Post(base+"checkpoint", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != http.MethodGet {
		t.Errorf("POST: %d", res.StatusCode)
	}
	if strings.Contains(g.log.String(), d.OID) {
		t.Error("the technical log holds the document's id")
	}
}

// Proofs are of a system's own registers; what it got and what it did not get stands
// in the usage log.
func TestLUO1_ProofsKeepToTheOwnRegisters(t *testing.T) {
	m := startMTLS(t, trust.Soft)
	w := world()
	d := w.Documents[0]
	mine, other := d.Spec.Controller, w.Organisation("sumula")
	if mine.OID == other.OID {
		other = w.Organisation("utuvaara")
	}
	client := func(oid string) *http.Client {
		leaf, err := m.ca.Client(pki.Organisation{OID: oid, Name: "Testi", System: "ATJ"})
		if err != nil {
			t.Fatal(err)
		}
		return insisting(t, leaf)
	}
	if _, err := post(client(mine.OID), m.URL+"/soap", "text/xml; charset=utf-8", inEnvelope("http://schemas.xmlsoap.org/soap/envelope/", w.Frame(d))); err != nil {
		t.Fatal(err)
	}
	at := m.URL + "/proofs/documents/" + d.OID
	for _, c := range []struct {
		who, query string
		want       int
		rule       string
	}{
		{mine.OID, "", http.StatusOK, ""},
		{other.OID, "", http.StatusNotFound, RuleProofMissing},
		// What it says of itself does not widen what it may.
		{other.OID, "?sender=" + mine.OID, http.StatusForbidden, pipeline.RuleSender},
		{mine.OID, "?sender=" + mine.OID, http.StatusOK, ""},
	} {
		if status, body := get(t, client(c.who), at+c.query); status != c.want || !strings.Contains(body, c.rule) {
			t.Errorf("%s %s: HTTP %d %s", c.who, c.query, status, body)
		}
	}
	// Where systems have joined, only these, and only while they may connect.
	j := joinedWorld(t)
	m.know(j)
	if status, _ := get(t, client(mine.OID), at); status != http.StatusOK {
		t.Errorf("the joined system: HTTP %d", status)
	}
	if status, body := get(t, client("1.2.246.10.99999977.10.0"), at); status != http.StatusForbidden || !strings.Contains(body, pipeline.RuleSystemUnknown) {
		t.Errorf("a stranger: HTTP %d %s", status, body)
	}
	for i := range j.Systems {
		j.Systems[i].To = w.Now.AddDate(-1, 0, 0)
	}
	m.know(j)
	if status, body := get(t, client(mine.OID), at); status != http.StatusForbidden || !strings.Contains(body, pipeline.RuleSystemTime) {
		t.Errorf("a system whose time is over: HTTP %d %s", status, body)
	}
	p, err := m.Store.SearchUsage(t.Context(), everything, store.LogFilter{Action: actionProve}, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range p.Entries {
		if e.DocumentID != d.OID || e.System == "" {
			t.Errorf("%+v", e.Usage)
		}
		if e.Refused == "" && e.Client == "" {
			t.Errorf("a proof given tells no client: %+v", e.Usage)
		}
		got = append(got, e.Refused)
	}
	slices.Reverse(got)
	want := []string{"", RuleProofMissing, pipeline.RuleSender, "", "", pipeline.RuleSystemUnknown, pipeline.RuleSystemTime}
	if !slices.Equal(got, want) {
		t.Errorf("logged: %q, want %q", got, want)
	}
}

// Disclosure notices are taken from systems of the register of joined systems, as
// messages are: only while they may connect, and by their own certificate where one
// is known.
func TestPRO6_NoticesFollowTheRegisterOfJoinedSystems(t *testing.T) {
	m := startMTLS(t, trust.Soft)
	w := world()
	serial := 0
	file := func(oid string) int {
		serial++
		body := string(w.Notices(w.Notice(fmt.Sprintf("1.2.246.10.99999901.10.0.95.2026.9.%d", serial))))
		leaf, err := m.ca.Client(pki.Organisation{OID: oid, Name: "Testi", System: "ATJ"})
		if err != nil {
			t.Fatal(err)
		}
		res, err := insisting(t, leaf).Post(m.URL+"/fhir", "application/fhir+json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	mine, other := w.Organisations[0], w.Organisations[1]
	j := joinedWorld(t)
	own := slices.IndexFunc(j.Systems, func(s organisations.System) bool { return s.Organisation == mine.OID && s.Class == "A2" })
	for _, c := range []struct {
		name   string
		who    string
		change func(*organisations.Joined)
		want   int
	}{
		{"joined", mine.OID, func(*organisations.Joined) {}, http.StatusOK},
		{"not joined", "1.2.246.10.99999977.10.0", func(*organisations.Joined) {}, http.StatusForbidden},
		{"another's", other.OID, func(*organisations.Joined) {}, http.StatusForbidden},
		{"another that serves the controller", other.OID, func(j *organisations.Joined) {
			for i := range j.Systems {
				if j.Systems[i].Organisation == other.OID {
					j.Systems[i].Controllers = []string{mine.OID}
				}
			}
		}, http.StatusOK},
		{"over", mine.OID, func(j *organisations.Joined) { j.Systems[own].To = w.Now.AddDate(-1, 0, 0) }, http.StatusForbidden},
		{"another certificate", mine.OID, func(j *organisations.Joined) { j.Systems[own].Fingerprint = strings.Repeat("ab", 32) }, http.StatusForbidden},
	} {
		x := j
		x.Systems = nil
		for _, s := range j.Systems {
			if s.Class == "A2" {
				x.Systems = append(x.Systems, s)
			}
		}
		own = slices.IndexFunc(x.Systems, func(s organisations.System) bool { return s.Organisation == mine.OID })
		c.change(&x)
		m.know(x)
		if got := file(c.who); got != c.want {
			t.Errorf("%s: HTTP %d", c.name, got)
		}
	}
}
