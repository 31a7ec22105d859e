package organisations

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portti/cda/codes"
)

// OIDs of the tests. moved stands under county in the register, though its arc is
// another's.
const (
	county   = "1.2.246.10.99999901.10.0"
	division = "1.2.246.10.99999901.10.1"
	unit     = "1.2.246.10.99999901.10.101"
	closed   = "1.2.246.10.99999901.10.104"
	moved    = "1.2.246.10.99999945.10.105"
	private  = "1.2.246.10.99999921.10.0"
	branch   = "1.2.246.10.99999921.10.301"
	other    = "1.2.246.10.99999911.10.0"
)

func day(t *testing.T, s string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// exportXML is the register in the form of the code server's XML export
// (kanta-facts-2 5), with its default dates.
const exportXML = `<?xml version="1.0" encoding="UTF-8"?>
<arb:result xmlns:arb="urn::codeservice" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><arb:document><header/><body>
<termsystem id="1.2.246.537.6.202.2008" begindate="2008-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
 <attribute type="longname" datatype="ST" language="fi">THL - SOTE-organisaatiorekisteri</attribute>
 <termitementry id="1.2.246.10.99999901.10.0" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
  <attribute type="status" datatype="ST">1</attribute><attribute type="longname" datatype="ST" language="fi">Utuvaaran hyvinvointialue</attribute>
  <attribute type="longname" datatype="ST" language="sv">Utuvaara välfärdsområde</attribute><attribute type="hierarchylevel" datatype="ST">0</attribute>
  <attribute type="Y-Tunnus" datatype="ST">9999990-1</attribute><attribute type="Sektori" datatype="ST">1 julkinen</attribute>
  <attribute type="Sijainti kunta" datatype="ST">049 Espoo</attribute><attribute type="Sos.toimintayksikkö" datatype="ST">T</attribute>
  <attribute type="Terv.toimintayksikkö" datatype="ST">F</attribute></termitementry>
 <termitementry id="1.2.246.10.99999901.10.1" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
  <attribute type="longname" datatype="ST" language="fi">Perhepalvelut</attribute><attribute type="parentid" datatype="ST">1.2.246.10.99999901.10.0</attribute></termitementry>
 <termitementry id="1.2.246.10.99999901.10.101" language="fi" begindate="2023-01-01T00:00:00" expirationdate="2100-12-31T23:59:59">
  <attribute type="longname" datatype="ST" language="fi">Lapsiperheiden sosiaaliohjaus</attribute><attribute type="parentid" datatype="ST">1.2.246.10.99999901.10.1</attribute>
  <attribute type="Sos.palveluyksikkö" datatype="ST">T</attribute><attribute type="Terv.palveluyksikkö" datatype="ST">F</attribute></termitementry>
 <termitementry id="1.2.246.10.99999901.10.104" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2023-12-31T00:00:00">
  <attribute type="longname" datatype="ST" language="fi">Entinen perhekeskus</attribute><attribute type="parentid" datatype="ST">1.2.246.10.99999901.10.0</attribute>
  <attribute type="Sos.palveluyksikkö" datatype="ST">T</attribute></termitementry>
 <termitementry id="1.2.246.10.99999945.10.105" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
  <attribute type="longname" datatype="ST" language="fi">Ennakoiva perhetyö</attribute><attribute type="parentid" datatype="ST">1.2.246.10.99999901.10.0</attribute>
  <attribute type="Sos.palveluyksikkö" datatype="ST">T</attribute></termitementry>
 <termitementry id="1.2.246.10.99999921.10.0" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
  <attribute type="longname" datatype="ST" language="fi">Hoivapilvi Kuviteltu Oy</attribute><attribute type="Sektori" datatype="ST">2 yksityinen</attribute>
  <attribute type="Sos.toimintayksikkö" datatype="ST">T</attribute></termitementry>
 <termitementry id="1.2.246.10.99999921.10.301" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
  <attribute type="longname" datatype="ST" language="fi">Hoivapilven perhetyö</attribute><attribute type="parentid" datatype="ST">1.2.246.10.99999921.10.0</attribute>
  <attribute type="Sos.palveluyksikkö" datatype="ST">T</attribute></termitementry>
 <termitementry id="1.2.246.10.99999911.10.0" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59">
  <attribute type="longname" datatype="ST" language="fi">Sumulan hyvinvointialue</attribute><attribute type="Sos.toimintayksikkö" datatype="ST">T</attribute></termitementry>
</termsystem></body></arb:document></arb:result>`

const exportCSV = "OID;Nimi;Nimi_sv;ParentId;Y-tunnus;Sektori;Sijainti kunta;Sos.toimintayksikkö;Sos.palveluyksikkö;BeginDate;ExpirationDate\n"

// inFile writes a file and gives its name.
func inFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func register(t *testing.T) *Register {
	t.Helper()
	r, err := ImportFiles(day(t, "2026-01-02"), true, inFile(t, "register.xml", exportXML))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestREK7_XMLExportOfTheRegister(t *testing.T) {
	r := register(t)
	o := r.Lookup(county)
	if o == nil || o.Name != "Utuvaaran hyvinvointialue" || o.NameSV != "Utuvaara välfärdsområde" || o.DisplayName("sv") != o.NameSV ||
		o.BusinessID != "9999990-1" || o.Sector != Public || o.Municipality != "049 Espoo" || o.Kinds != SocialOperating || !o.From.IsZero() || !o.To.IsZero() {
		t.Errorf("%+v", o)
	}
	if o := r.Lookup(unit); o.Kinds != SocialService || !o.From.Equal(day(t, "2023-01-01")) || o.Parent != division {
		t.Errorf("%+v", o)
	}
	if r.Lookup(private).Sector != Private || !r.Whole || !r.Imported.Equal(day(t, "2026-01-02")) {
		t.Errorf("%+v", r.Lookup(private))
	}
}

// restServer answers as the code server's csapi v6 does, two entries a page.
func restServer(t *testing.T, r *Register) *httptest.Server {
	t.Helper()
	entry := func(o *Organisation) map[string]any {
		attribute := func(name, value string) map[string]any {
			return map[string]any{"attributeName": name, "attributeValue": []string{value}}
		}
		flag := func(k Kinds) string {
			if o.Kinds&k != 0 {
				return "T"
			}
			return "F"
		}
		sector := map[Sector]string{Public: "1 Julkinen", Private: "2 Yksityinen", SelfReported: "3 Yksityinen itseilmoitettu yksikkö"}[o.Sector]
		end := "2099-12-31"
		if !o.To.IsZero() {
			end = o.To.Format(time.DateOnly)
		}
		return map[string]any{"conceptCodeId": o.OID, "status": "ACTIVE", "beginDate": "2008-01-01", "expirationDate": end, "attributes": []map[string]any{
			attribute("LongName", o.Name), attribute("ParentId", o.Parent), attribute("Sektori", sector), attribute("Y-tunnus", o.BusinessID),
			attribute("Sos.toimintayksikkö", flag(SocialOperating)), attribute("Sos.palveluyksikkö", flag(SocialService)), attribute("TOPI-koodi", "1")}}
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/csapi/v6/classifications/"+RegisterOID+"/conceptcodes" {
			http.NotFound(w, q)
			return
		}
		var page int
		if err := json.Unmarshal([]byte(q.URL.Query().Get("page")), &page); err != nil {
			http.Error(w, "page", http.StatusBadRequest)
			return
		}
		n := len(r.Organisations)
		var entries []map[string]any
		for i := (page - 1) * 2; i < min(page*2, n); i++ {
			entries = append(entries, entry(&r.Organisations[i]))
		}
		if err := json.NewEncoder(w).Encode(map[string]any{"conceptCodes": entries, "page": page, "totalItems": n, "totalPages": (n + 1) / 2}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestREK7_RegisterFromACodeServer(t *testing.T) {
	want := register(t)
	srv := restServer(t, want)
	rest := &codes.REST{Client: srv.Client(), Base: srv.URL + "/csapi/v6", Now: func() time.Time { return day(t, "2026-02-03") }}
	got, err := Fetch(context.Background(), rest)
	if err != nil {
		t.Fatal(err)
	}
	if !got.Whole || len(got.Organisations) != len(want.Organisations) || got.Source != srv.URL+"/csapi/v6" {
		t.Fatalf("%d entries from %s", len(got.Organisations), got.Source)
	}
	for i, o := range want.Organisations {
		g := got.Organisations[i]
		if g.OID != o.OID || g.Name != o.Name || g.Parent != o.Parent || g.Kinds != o.Kinds || g.Sector != o.Sector || !g.To.Equal(o.To) {
			t.Errorf("%+v, want %+v", g, o)
		}
	}
}

func TestREK7_CSVOfTheRegister(t *testing.T) {
	name := inFile(t, "register.csv", strings.Replace(exportCSV, "OID", "Koodi", 1)+
		county+";Utuvaara;Utuvaara sv;;9999990-1;1 Julkinen;Utuvaara;T;F;1.1.2020;\n"+
		closed+";Entinen;;"+county+";;;;F;T;;31.12.2023\n")
	r, err := ImportFiles(day(t, "2026-01-02"), false, name)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDirectory(r, Joined{})
	if o := r.Lookup(county); o.NameSV != "Utuvaara sv" || o.Sector != Public || o.Kinds != SocialOperating {
		t.Errorf("%+v", o)
	}
	if s, _ := d.Find(closed, day(t, "2024-01-01")); s != Ended {
		t.Errorf("after its end: %s", s)
	}
	if s, _ := d.Find(unit, time.Time{}); s != Unlisted {
		t.Errorf("not in a part of the register: %s", s)
	}
}

func TestREK7_States(t *testing.T) {
	d := NewDirectory(register(t), Joined{})
	for _, c := range []struct {
		oid, at string
		want    State
	}{
		{county, "1990-01-01", Known}, {unit, "2024-05-05", Known}, {unit, "2022-12-31", NotYet}, {closed, "2023-12-31", Known},
		{closed, "2024-01-01", Ended}, {"1.2.246.10.99999901.10.999", "2024-01-01", Unknown},
	} {
		if s, _ := d.Find(c.oid, day(t, c.at)); s != c.want {
			t.Errorf("%s at %s is %s, want %s", c.oid, c.at, s, c.want)
		}
	}
	// On its last day a unit stands until midnight.
	if s, _ := d.Find(closed, day(t, "2023-12-31").Add(23*time.Hour)); s != Known {
		t.Errorf("late on the last day: %s", s)
	}
	var none *Directory
	if s, _ := none.Find(county, time.Time{}); s != Unchecked || none.Organisation(unit) != unit || none.Belongs(unit, county, time.Time{}) != Undecided {
		t.Errorf("without a directory: %s", s)
	}
}

func TestREK3_BelongingIsNeverToldFromTheArc(t *testing.T) {
	contract := Contract{ID: "k", Organiser: county, Provider: private, From: day(t, "2024-01-01"), To: endOfDay(day(t, "2024-12-31"))}
	d := NewDirectory(register(t), Joined{Contracts: []Contract{contract}})
	at := day(t, "2024-06-01")
	for _, c := range []struct {
		name, unit, organiser string
		at                    time.Time
		want                  Belonging
	}{
		{"itself", county, county, at, Own},
		{"two levels down", unit, county, at, Own},
		{"another's arc, in the tree", moved, county, at, Own},
		{"another county's", unit, other, at, Foreign},
		{"a provider with contract", branch, county, at, ByContract},
		{"before the contract", branch, county, day(t, "2023-12-31"), Foreign},
		{"after the contract", branch, county, day(t, "2025-01-01"), Foreign},
		{"a provider without contract", branch, other, at, Foreign},
		{"its arc, but not in the register", county + ".7", county, at, Undecided},
	} {
		if got := d.Belongs(c.unit, c.organiser, c.at); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	d.Contracts[0].Units, d.Contracts[0].Tasks = []string{"1.2.3"}, []string{"24"}
	if d.Belongs(branch, county, at) != Foreign {
		t.Error("a unit that the contract does not name")
	}
	d.Contracts[0].Units = []string{branch}
	if !d.Contracted(county, branch, "24", at) || d.Contracted(county, branch, "25", at) || !d.Contracted(county, private, "", at) {
		t.Error("tasks of a contract")
	}
}

func TestREK7_BrokenRegistersAreRefused(t *testing.T) {
	ok := []Organisation{{OID: county}, {OID: unit, Parent: county}}
	for name, r := range map[string]*Register{
		"empty":  {},
		"no OID": {Organisations: []Organisation{{OID: "hoitokoti"}}},
		"twice":  {Organisations: append(ok[:1:1], ok[0])},
		"circle": {Organisations: []Organisation{{OID: county, Parent: unit}, {OID: unit, Parent: county}}},
		"orphan": {Whole: true, Organisations: ok[1:]},
	} {
		if err := r.finish(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if err := (&Register{Organisations: ok[1:]}).finish(); err != nil {
		t.Errorf("a part may lack what is above: %v", err)
	}
	if _, err := FromList(&codes.List{System: "1.2.246.537.6.1221"}, true); err == nil {
		t.Error("another code system is taken for the register")
	}
	b, err := register(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Decode(b); err != nil || r.Top(unit) != county || len(r.Children(county)) != 3 {
		t.Errorf("after Encode and Decode: %v", err)
	}
	if _, err := Decode(append(b, "{}"...)); err == nil {
		t.Error("two values are taken for one")
	}
}

const joinedYAML = `
systems:
  - {id: atj, name: Sumupilvi ATJ, version: "4.2", class: A2, profile: liittyvä, model: suora, organisation: 1.2.246.10.99999901.10.0, joint_test: 2025-03-01, phases: [phase2]}
  - {id: arkisto, name: Vanhat, class: B, profile: archiving, organisation: 1.2.246.10.99999911.10.0, to: 2026-06-30}
  - {id: piste, class: A1, model: yhteis, organisation: 1.2.246.10.99999938.10.0, sends_for: [1.2.246.10.99999901.10.0], fingerprint: "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99"}
contracts:
  - {id: k1, organiser: 1.2.246.10.99999901.10.0, provider: 1.2.246.10.99999921.10.0, from: 2024-01-01, to: 2026-12-31}
registers:
  - {id: asiakas, controller: 1.2.246.10.99999901.10.0, code: "1"}
  - {id: lakannut, controller: 1.2.246.10.99999901.10.0, code: "1", kind: taken-over, predecessor: 1.2.246.10.99999921.10.0}
`

func TestPRO6_JoinedSystemsFromAFile(t *testing.T) {
	j, err := ParseJoined([]byte(joinedYAML))
	if err != nil {
		t.Fatal(err)
	}
	d := NewDirectory(nil, j)
	atj, old, point := &j.Systems[0], &j.Systems[1], &j.Systems[2]
	if atj.Profile != Connecting || atj.Model != Direct || point.Model != Shared || len(point.Fingerprint) != 64 {
		t.Errorf("%+v %+v", atj, point)
	}
	for _, c := range []struct {
		s    *System
		at   string
		want Fault
	}{
		{atj, "2025-02-28", Untested}, {atj, "2025-03-01", NoFault}, {old, "2026-06-30", NoFault}, {old, "2026-07-01", OutOfTime}, {point, "2026-07-01", NoFault},
	} {
		if got := c.s.MayConnect(day(t, c.at)); got != c.want {
			t.Errorf("%s at %s: %d, want %d", c.s.ID, c.at, got, c.want)
		}
	}
	old.Profile = Connecting
	if old.MayConnect(day(t, "2026-01-01")) != WrongClass {
		t.Error("a system of class B connects")
	}
	if !point.Serves(county) || point.Serves(other) || !atj.Takes("phase2") || atj.Takes("old") || !old.Takes("old") {
		t.Error("whom a system serves, what it may bring")
	}
	if n := len(d.SystemsOf(other, day(t, "2026-07-01"))); n != 0 {
		t.Errorf("%d systems after their time", n)
	}
	if !d.HasRegister(county, "1", time.Time{}) || d.HasRegister(county, "2", time.Time{}) || !d.HasRegister(other, "2", time.Time{}) {
		t.Error("registers of controllers")
	}
}

func TestPRO_ProfilesTellWhatIsAllowed(t *testing.T) {
	for _, c := range []struct {
		p                   Profile
		fetch, store, older bool
	}{
		{Connecting, true, true, false}, {Storing, false, true, false}, {Viewing, true, false, false}, {Archiving, false, true, true}, {ProfileUnknown, true, true, false},
	} {
		if c.p.MayFetch() != c.fetch || c.p.MayStore() != c.store || c.p.OldOnly() != c.older {
			t.Errorf("%q: fetch %v store %v old only %v", c.p, c.p.MayFetch(), c.p.MayStore(), c.p.OldOnly())
		}
	}
}

func TestJoinedFilesThatCannotBeMeant(t *testing.T) {
	for name, y := range map[string]string{
		"no id":       "systems: [{organisation: 1.2.3}]",
		"no OID":      "systems: [{id: a, organisation: x}]",
		"class":       "systems: [{id: a, organisation: 1.2.3, class: C}]",
		"profile":     "systems: [{id: a, organisation: 1.2.3, profile: lukeva}]",
		"model":       "systems: [{id: a, organisation: 1.2.3, model: loose}]",
		"fingerprint": "systems: [{id: a, organisation: 1.2.3, fingerprint: abc}]",
		"ends before": "systems: [{id: a, organisation: 1.2.3, from: 2025-01-02, to: 2025-01-01}]",
		"with itself": "contracts: [{id: a, organiser: 1.2.3, provider: 1.2.3}]",
		"no code":     "registers: [{id: a, controller: 1.2.3}]",
		"of whom":     "registers: [{id: a, controller: 1.2.3, code: '1', kind: taken-over}]",
		"unknown key": "systems: [{id: a, organisation: 1.2.3, secret: x}]",
	} {
		if _, err := ParseJoined([]byte(y)); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
