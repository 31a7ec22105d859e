package codes

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// codeServer answers as csapi v6 does: codes sorted as texts, at most pageSize a page.
func codeServer(t *testing.T, codes []map[string]any, spoil func(page int, answer map[string]any)) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/csapi/v6/classifications/1.2.246.537.6.1221.201601/conceptcodes" {
			http.NotFound(w, r)
			return
		}
		size, err1 := strconv.Atoi(r.URL.Query().Get("pageSize"))
		page, err2 := strconv.Atoi(r.URL.Query().Get("page"))
		if err1 != nil || err2 != nil || size > 500 || page < 1 {
			http.Error(w, "bad", http.StatusBadRequest)
			return
		}
		size = min(size, 2) // a server may give less than asked for
		from, to := min((page-1)*size, len(codes)), min(page*size, len(codes))
		answer := map[string]any{"conceptCodes": codes[from:to], "page": page, "totalItems": len(codes), "totalPages": (len(codes) + size - 1) / size}
		if spoil != nil {
			spoil(page, answer)
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

func concept(id, name, parent string, more map[string]any) map[string]any {
	c := map[string]any{"conceptCodeId": id, "status": "ACTIVE", "beginDate": "2011-12-01", "expirationDate": "2099-12-31",
		"attributes": []map[string]any{{"attributeName": "LongName", "attributeValue": []string{name}}, {"attributeName": "ParentId", "attributeValue": []string{parent}},
			{"attributeName": "ShortName", "attributeValue": []string{name + " lyh"}}, {"attributeName": "LongName", "language": "sv", "attributeValue": []string{name + " på svenska"}}}}
	for k, v := range more {
		c[k] = v
	}
	return c
}

func serverCodes() []map[string]any {
	return []map[string]any{
		concept("1", "Yksi", "", nil), concept("10", "Kymmenen", "1", nil), concept("2", "Kaksi", "", map[string]any{"expirationDate": "2020-12-31"}),
		concept("24", "Kaksikymmentäneljä", "2", map[string]any{"beginDate": 1322697600000}), concept("9", "Yhdeksän", "", map[string]any{"status": "DELETED"}),
	}
}

func fetch(t *testing.T, srv *httptest.Server, oid string) (*List, error) {
	t.Helper()
	r := &REST{Client: srv.Client(), Base: srv.URL + "/csapi/v6/", Now: func() time.Time { return date(t, "2026-02-03") }}
	return r.Fetch(context.Background(), oid)
}

const task = "1.2.246.537.6.1221.201601"

func TestMETA4_ImportFromACodeServer(t *testing.T) {
	srv := codeServer(t, serverCodes(), nil)
	l, err := fetch(t, srv, task)
	if err != nil {
		t.Fatal(err)
	}
	if l.System != "1.2.246.537.6.1221" || l.Version != "201601" || !l.Loaded || l.Name != "Sosiaalihuolto - Palvelutehtävä" || !l.Imported.Equal(date(t, "2026-02-03")) || l.Source != srv.URL+"/csapi/v6" {
		t.Errorf("%+v", l)
	}
	var ids []string
	for _, c := range l.Codes {
		ids = append(ids, c.Code)
	}
	if s := strings.Join(ids, " "); s != "1 2 9 10 24" {
		t.Errorf("order %s", s)
	}
	c := l.Lookup("10")
	if c.FI != "Kymmenen" || c.SV != "Kymmenen på svenska" || c.Parent != "1" || c.Attributes["ShortName"] != "Kymmenen lyh" || !c.From.Equal(date(t, "2011-12-01")) || !c.To.IsZero() {
		t.Errorf("%+v", c)
	}
	if c := l.Lookup("24"); !c.From.Equal(date(t, "2011-12-01")) {
		t.Errorf("milliseconds: %v", c.From)
	}
	set := saved(t, l)
	at := date(t, "2025-03-14")
	for code, want := range map[string]Verdict{"1": Known, "10": Known, "2": Ended, "9": Ended, "77": Unknown} {
		if r := set.Check("urn:oid:"+task, code, at); r.Verdict != want || r.Open {
			t.Errorf("%s: %v, open %v", code, r.Verdict, r.Open)
		}
	}
	if r := set.Check(task, "2", date(t, "2020-12-31").Add(20*time.Hour)); r.Verdict != Known {
		t.Errorf("on its last day: %v", r.Verdict)
	}
	if r := set.CheckAs(Expectation{Level: LeafCodes}, task, "1", at); r.Verdict != WrongLevel {
		t.Errorf("leaf codes only: %v", r.Verdict)
	}
	if r := set.Check("1.2.246.537.6.1222", "15", at); r.Verdict != Known || !r.Open {
		t.Errorf("shipped lists are gone: %v", r.Verdict)
	}
}

// saved stores lists in a folder and opens it.
func saved(t *testing.T, lists ...*List) *Set {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "codes")
	for _, l := range lists {
		name, err := l.Save(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(filepath.Base(name), l.OID()+"@") {
			t.Errorf("saved as %s", name)
		}
	}
	set, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestImportTellsWhatIsWrongWithTheServer(t *testing.T) {
	for name, spoil := range map[string]func(int, map[string]any){
		"changed": func(p int, a map[string]any) { a["totalItems"] = 5 + p },
		"short":   func(p int, a map[string]any) { a["totalItems"] = 6 },
		"twice":   func(p int, a map[string]any) { a["conceptCodes"] = serverCodes()[:1]; a["totalItems"] = 3 },
		"pages":   func(p int, a map[string]any) { a["totalPages"] = 1 << 20 },
		"empty":   func(p int, a map[string]any) { a["totalPages"] = 0; a["page"] = 0 },
		"page":    func(p int, a map[string]any) { a["page"] = 1 },
		"dates":   func(p int, a map[string]any) { a["conceptCodes"].([]map[string]any)[0]["beginDate"] = "eilen" },
		"circle": func(p int, a map[string]any) {
			cs := a["conceptCodes"].([]map[string]any)
			cs[0] = concept(cs[0]["conceptCodeId"].(string), "x", cs[0]["conceptCodeId"].(string), nil)
		},
		"types": func(p int, a map[string]any) { a["conceptCodes"] = "none" },
	} {
		srv := codeServer(t, serverCodes(), spoil)
		if l, err := fetch(t, srv, task); err == nil {
			t.Errorf("%s: taken: %+v", name, l)
		}
	}
	srv := codeServer(t, serverCodes(), nil)
	for _, oid := range []string{"1.2.3", "x", ""} {
		if _, err := fetch(t, srv, oid); err == nil {
			t.Errorf("%q was fetched", oid)
		}
	}
	srv.Close()
	if _, err := fetch(t, srv, task); err == nil {
		t.Error("fetched from a closed server")
	}
}

const xmlExport = `<?xml version="1.0" encoding="UTF-8"?>
<arb:result xmlns:arb="urn::codeservice"><arb:document><header>x</header>
<body>
<termsystem id="1.2.246.537.6.1221.201601" begindate="2011-12-01T00:00:01" expirationdate="2100-12-31T23:59:59" lastmodifieddate="2017-08-04T01:30:12.05412" lastmodifiedby="x">
<attribute type="longname" datatype="ST" language="fi">Sosiaalihuolto - Palvelutehtävä</attribute>
<attribute type="longname" datatype="ST" language="sv">Socialvård - Serviceuppgift</attribute>
<attribute type="status" datatype="ST">1</attribute>
<attribute type="relatesto" datatype="ST">1.2.246.537.6.1221</attribute>
<attribute type="hierarchical" datatype="ST">1</attribute>
<termitementry id="10" language="fi" createdate="2016-03-08T10:28:36" begindate="1900-01-01T00:00:01" expirationdate="2020-12-31T23:59:59" lastmodifieddate="2017-02-01T14:51:21" lastmodifiedby="x">
<attribute type="status" datatype="ST">1</attribute>
<attribute type="longname" datatype="ST" language="fi">Lastensuojelu &amp; muu</attribute>
<attribute type="longname" datatype="ST" language="sv">Barnskydd</attribute>
<attribute type="hierarchylevel" datatype="ST">1</attribute>
<attribute type="parentid" datatype="ST" language="fi">1</attribute>
<attribute type="Sijainti kunta" datatype="ST">049 Espoo</attribute>
</termitementry>
<termitementry id="1" language="fi" begindate="1900-01-01T00:00:01" expirationdate="2100-12-31T23:59:59"><attribute type="longname" datatype="ST" language="fi">Yksi</attribute>
<attribute type="parentid" datatype="ST" language="fi"></attribute></termitementry>
</termsystem>
</body></arb:document></arb:result>`

func TestMETA4_ImportOfTheXMLExport(t *testing.T) {
	lists, err := ParseXML([]byte(xmlExport))
	if err != nil || len(lists) != 1 {
		t.Fatal(err)
	}
	l := lists[0]
	if l.OID() != task || l.System != "1.2.246.537.6.1221" || l.NameSV != "Socialvård - Serviceuppgift" || !l.Loaded || !l.To.IsZero() || len(l.Codes) != 2 {
		t.Errorf("%+v", l)
	}
	c := l.Lookup("10")
	if c.FI != "Lastensuojelu & muu" || c.SV != "Barnskydd" || c.Parent != "1" || c.Status != "ACTIVE" || c.Attributes["Sijainti kunta"] != "049 Espoo" ||
		!c.From.IsZero() || c.To.Year() != 2020 {
		t.Errorf("%+v", c)
	}
	l.Imported = date(t, "2026-02-03")
	set := saved(t, l)
	if r := set.Check(task, "10", date(t, "2021-01-01")); r.Verdict != Ended {
		t.Errorf("%v", r.Verdict)
	}
	for _, change := range []struct{ old, new string }{
		{"urn::codeservice", "urn::other"}, {"<termsystem id", "<termsystem ID"}, {"2020-12-31T23:59:59", "2020"}, {`begindate="2011-12-01T00:00:01"`, `begindate="x"`},
		{`type="parentid" datatype="ST" language="fi">1<`, `type="parentid" datatype="ST" language="fi">7<`}, {`id="1" `, `id="10" `}, {"</body>", ""}, {"termsystem", "other"},
	} {
		text := strings.Replace(xmlExport, change.old, change.new, -1)
		if _, err := ParseXML([]byte(text)); err == nil {
			t.Errorf("with %q it was taken", change.new)
		}
	}
}

func TestMETA4_ImportOfCSV(t *testing.T) {
	for _, src := range []string{
		"code,name,name_sv,parent,beginDate,expirationDate,kunta\n10,Lastensuojelu,Barnskydd,1,2011-12-01,31.12.2020,049 Espoo\n1,\"Yksi, vain\",,,,,\n",
		"\ufeffKoodi;Nimi;Namn;ParentId;Alkaen;Asti;Kunta\r\n10;Lastensuojelu;Barnskydd;1;1.12.2011;2020-12-31;049 Espoo\r\n1;Yksi, vain;;;;;\r\n",
		"conceptCodeId\tLongName\tLongName_sv\tParentId\tbegin date\texpirationdate\tKunta\n10\tLastensuojelu\tBarnskydd\t1\t2011-12-01T00:00:00Z\t2020-12-31\t049 Espoo\n1\tYksi, vain\t\t\t\t\t\n",
	} {
		l, err := ParseCSV(task, []byte(src))
		if err != nil {
			t.Errorf("%v\n%s", err, src)
			continue
		}
		c, one := l.Lookup("10"), l.Lookup("1")
		if len(l.Codes) != 2 || c.FI != "Lastensuojelu" || c.SV != "Barnskydd" || c.Parent != "1" || !c.From.Equal(date(t, "2011-12-01")) || c.To.Format(time.DateTime) != "2020-12-31 23:59:59" ||
			one.FI != "Yksi, vain" || len(c.Attributes) != 1 {
			t.Errorf("%+v %+v", c, one)
		}
	}
	for _, src := range []string{"", "name\nx\n", "code\n", "code,from\n1,eilen\n", "code,name\n1\n", "code\n1\n1\n", "code\n\"1\n", "code\n\xe4\n", "code,parent\n1,2\n"} {
		if _, err := ParseCSV(task, []byte(src)); err == nil {
			t.Errorf("%q was taken", src)
		}
	}
	if _, err := ParseCSV("x", []byte("code\n1\n")); err == nil {
		t.Error("a list of no system was taken")
	}
}

func TestImportFilesTellsThemApart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	page := func(n int, id string) string {
		return fmt.Sprintf(`{"conceptCodes":[{"conceptCodeId":%q,"attributes":[{"attributeName":"LongName","attributeValue":"x"}]}],"page":%d,"totalItems":2,"totalPages":2}`, id, n)
	}
	p1, p2 := write("1.json", page(1, "1")), write("2.json", "\n "+page(2, "2"))
	x, c := write("x.xml", xmlExport), write("c.csv", "code,name\n1,x\n")
	now := date(t, "2026-02-03")
	for _, v := range []struct {
		names []string
		lists int
	}{{[]string{p2, p1}, 1}, {[]string{x}, 1}, {[]string{c}, 1}, {[]string{x, c, p1, p2}, 3}} {
		lists, err := ImportFiles(task, now, v.names...)
		if err != nil || len(lists) != v.lists || !lists[0].Imported.Equal(now) || lists[0].OID() != task {
			t.Errorf("%v: %v", v.names, err)
		}
	}
	for _, names := range [][]string{{p1}, {p1, p1}, {write("bad.xml", "<x/>")}, {write("bad.csv", "x")}, {write("bad.json", "{")}, {filepath.Join(dir, "missing")}} {
		if _, err := ImportFiles(task, now, names...); err == nil {
			t.Errorf("%v was taken", names)
		}
	}
	if _, err := ImportFiles("", now, p1, p2); err == nil {
		t.Error("pages of no system were taken")
	}
}

func TestBrokenFoldersAreRefused(t *testing.T) {
	for _, text := range []string{"{", `{"system":"1.2.3","loaded":true,"codes":[],"other":1}`, `{"system":"x","loaded":true,"codes":[]}`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "a"+listSuffix), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "a"+listSuffix) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if s, err := Open(filepath.Join(t.TempDir(), "missing")); err != nil || len(s.Systems()) != len(Default().Systems()) {
		t.Error(err)
	}
}

func TestSystemsAreInOrder(t *testing.T) {
	sys := Default().Systems()
	if len(sys) < 100 || sys[0] != "1.2.246.537.5.1" || sys[len(sys)-1] != "1.2.246.777.5.99902" {
		t.Errorf("%v … %v", sys[0], sys[len(sys)-1])
	}
}
