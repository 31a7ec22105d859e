package gateway

import (
	"slices"
	"strings"
	"testing"

	"portti/fixtures"
	"portti/gateway/logs"
	"portti/gateway/soap"
	"portti/store"
	"portti/xmldsig/pki"
	"portti/xmldsig/trust"
)

// logScenarios are those of the logs, by requirement.
var logScenarios = []struct {
	id, name string
	try      func(*testing.T)
}{
	{"LOG-1", "archiving is logged for every client with all that supervision needs", usageOfEveryClient},
	{"LOG-1", "a refused attempt is logged with the rule that refused it", refusedIsLogged},
	{"LOG-2", "a case note of a disclosure stands in the disclosure log", noteIsDisclosure},
	{"ARK-7", "the disclosure log is searched by client, recipient and time", disclosuresAreFound},
	{"LOG-3", "each row has its leaf, and the check finds nothing", rowsHaveLeaves},
}

func TestLogScenarios(t *testing.T) {
	for _, s := range logScenarios {
		t.Run(s.id+"/"+s.name, s.try)
	}
}

func usageOfEveryClient(t *testing.T) {
	g := start(t, nil)
	i := slices.IndexFunc(world().Documents, func(d *fixtures.Document) bool { return len(d.Spec.Clients) > 1 })
	if i < 0 {
		t.Fatal("the world has no document of several clients")
	}
	d := world().Documents[i]
	g.accepted(world().Frame(d))
	rows := g.usage("archive")
	var clients []string
	for _, u := range rows {
		clients = append(clients, u.Client)
		x := logs.ReadDetail(u.Detail)
		if u.User == "" || u.UserName == "" || u.Purpose == "" || u.System == "" || u.DocumentID != d.OID || u.At.IsZero() ||
			u.DataController != d.Spec.Controller.OID || u.LogController != d.Spec.Controller.OID || u.Refused != "" {
			t.Errorf("a field of LOG-1 is missing: %+v", u)
		}
		if x.SpecificType != d.Specific.Code || x.Group != d.Group.Code || x.Case == "" || x.Message == "" || x.ClientName == "" || !slices.Equal(x.Tasks, []string{d.Spec.Task.Code}) {
			t.Errorf("detail %+v", x)
		}
	}
	slices.Sort(clients)
	var want []string
	for _, c := range d.Spec.Clients {
		want = append(want, c.Hetu)
	}
	slices.Sort(want)
	if !slices.Equal(clients, want) {
		t.Errorf("rows of %v, want %v", clients, want)
	}
}

func refusedIsLogged(t *testing.T) {
	m := startMTLS(t, trust.Off)
	d := world().Documents[0]
	leaf, err := m.ca.Client(pki.Organisation{OID: "1.2.246.10.99999999.10.0", Name: "Toinen", System: "ATJ"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := post(insisting(t, leaf), m.URL+"/soap", "text/xml", inEnvelope(soap.NS11, world().Frame(d)))
	if err != nil || r.ack == nil || r.ack.Code == "CA" {
		t.Fatalf("%v %v", r, err)
	}
	rows := m.usage("archive")
	if len(rows) == 0 || rows[0].Refused == "" || rows[0].DocumentID != d.OID || rows[0].Client == "" {
		t.Errorf("%+v", rows)
	}
}

func noteIsDisclosure(t *testing.T) {
	g := start(t, nil)
	d := build(t, world().Spec(fixtures.DisclosureNote))
	g.accepted(world().Frame(d))
	p, err := g.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{Client: d.Spec.Clients[0].Hetu}, 10, "")
	if err != nil || len(p.Entries) != 1 {
		t.Fatalf("%+v %v", p, err)
	}
	e := p.Entries[0]
	if x := logs.ReadDetail(e.Detail); e.Recipient != "Testiviraston toimisto" || e.UserName != "Veera Vastaanottaja" || e.Description == "" || e.Discloser == "" ||
		e.DataController != d.Spec.Controller.OID || x.GroundText != "Laki 703/2023 55 §" || x.PurposeText == "" || x.Documents[0] != d.OID {
		t.Errorf("a field of LOG-2 is missing: %+v", e)
	}
	g.accepted(world().Frame(d)) // a resend discloses nothing again
	if p, err = g.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{}, 10, ""); err != nil || len(p.Entries) != 1 {
		t.Errorf("after a resend: %d rows, %v", len(p.Entries), err)
	}
}

func disclosuresAreFound(t *testing.T) {
	g := start(t, nil)
	w := world()
	if status, answer := g.file("/fhir", "application/fhir+json", w.Notices(w.Notice("1.2.246.10.99999901.10.0.95.2026.8.3"))); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	g.accepted(w.Frame(build(t, w.Spec(fixtures.DisclosureNote))))
	for want, f := range map[int]store.LogFilter{
		2: {Client: w.Client("child").Hetu}, 1: {Client: w.Client("child").Hetu, Until: w.Now.AddDate(0, 0, -1)}, 0: {Recipient: "nobody"},
	} {
		if want == 1 { // the note tells the day alone, the notice the hour
			f.Until = w.Now.Add(-2 * 3600e9)
		}
		p, err := g.Store.SearchDisclosures(t.Context(), store.Scope{Controllers: []string{first().OID}, Purpose: "test"}, f, 10, "")
		if err != nil || len(p.Entries) != want {
			t.Errorf("%+v: %d rows, want %d; %v", f, len(p.Entries), want, err)
		}
	}
}

func rowsHaveLeaves(t *testing.T) {
	g := start(t, nil)
	g.accepted(world().Frame(world().Documents[0]))
	g.accepted(world().Frame(build(t, world().Spec(fixtures.DisclosureNote))))
	r, err := g.Store.Check(t.Context())
	if err != nil || !r.OK() || r.LogRows == 0 {
		t.Errorf("%+v %v", r, err)
	}
	if strings.Contains(g.log.String(), world().Client("child").Hetu) {
		t.Error("the technical log holds a client's id")
	}
}
