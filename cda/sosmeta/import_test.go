package sosmeta

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"portti/internal/shared"
)

// tiny is a schema of our own in the form of the national ones.
const tiny = `{
  "$schema": "http://json-schema.org/draft-07/schema#", "title": "x", "type": "object", "additionalProperties": false,
  "sosmeta": {"oid": "1.2.246.537.6.1506.1.2025.1.31", "status": "Valmis", "documentDefinitionVersion": "2025-01-31", "documentType": "Arvio"},
  "required": ["koe"],
  "properties": {"koe": {"type": "object", "additionalProperties": false,
    "sosmeta": {"name": [{"lang": "fi", "value": "Koe"}, {"lang": "sv", "value": "Prov"}]},
    "required": ["teksti"],
    "properties": {
      "teksti": {"type": "string", "minLength": 3, "sosmeta": {"name": [{"lang": "fi", "value": "Teksti"}], "representation": [{"lang": "fi", "value": "Teksti"}],
        "description": [{"lang": "fi", "value": "Tämä on selittävä lause."}]}},
      "lista": {"type": "array", "minItems": 2, "items": {"type": "number", "sosmeta": {"conditionalRequired": true}}},
      "muoto": {"type": "string", "pattern": "^[a-c]+$"},
      "arvo": {"type": "string", "enum": ["a", "b", "a"]},
      "avoin": {"type": "object", "properties": {"kytkin": {"type": "boolean"}}}
    }}}
}`

func importTiny(t *testing.T, text string) (*Table, error) {
	t.Helper()
	return ImportFS(fstest.MapFS{"x/tiny.json": {Data: []byte(text)}, "x/readme.txt": {Data: []byte("no schema")}})
}

func TestDOC11_ImportOfASchema(t *testing.T) {
	tb, err := importTiny(t, tiny)
	if err != nil {
		t.Fatal(err)
	}
	set := NewSet(tb)
	st, ok := set.Lookup("1.2.246.537.6.1506.1.2025.1.31")
	if !ok || st.TitleFI != "Koe" || st.TitleSV != "Prov" || st.Type != "Arvio" || st.Code() != "1" || st.Group() || st.RootKey() != "koe" {
		t.Fatalf("%+v", st)
	}
	for src, want := range map[string]string{
		`{"koe": {"teksti": "äöå"}}`: "",
		`{"koe": {"teksti": "äö"}}`:  "SOS-TEXT-LENGTH 1:20 /koe/teksti",
		`{"koe": {"teksti": "abc", "lista": [1], "muoto": "abd", "arvo": "c", "avoin": {"x": 1, "kytkin": 0}}}`: "SOS-REPEAT-MIN 1:36 /koe/lista; SOS-PATTERN 1:50 /koe/muoto; " +
			"SOS-VALUE-NOT-ACCEPTED 1:65 /koe/arvo; SOS-TYPE 1:98 /koe/avoin/kytkin",
	} {
		if got := told(st.Validate([]byte(src), Options{})); got != want {
			t.Errorf("%s:\n got %s\nwant %s", src, got, want)
		}
	}
	if f := st.Root().Child("koe").Child("lista"); f.Obligation != Conditional || !f.Repeats || f.MinItems != 2 || f.Path() != "koe/lista" {
		t.Errorf("%+v", f)
	}
	if f := st.Root().Child("koe").Child("arvo"); len(f.Accepted) != 2 {
		t.Errorf("a double value was kept: %v", f.Accepted)
	}
}

func TestDOC11_ImportRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"minLength": 3`, `"maxLength": 3`, `keyword "maxLength" is not supported`},
		{`"minLength": 3`, `"format": "date"`, `keyword "format" is not supported`},
		{`"minItems": 2`, `"uniqueItems": true`, `keyword "uniqueItems" is not supported`},
		{`"minItems": 2`, `"minItems": 2.5`, "expected a whole number"},
		{`"minItems": 2`, `"minLength": 2`, `keyword "minLength" is not supported beside type "array"`},
		{`"type": "boolean"`, `"type": "integer"`, `type "integer" is not supported`},
		{`"type": "boolean"`, `"type": ["boolean", "null"]`, `type "" is not supported`},
		{`"type": "boolean"`, `"type": "boolean", "enum": [true]`, `keyword "enum" is not supported beside type "boolean"`},
		{`"^[a-c]+$"`, `"(?=a)"`, "the pattern is not supported"},
		{`"enum": ["a"`, `"enum": [1`, "expected a string"},
		{`"type": "object", "properties": {"kytkin"`, `"type": "object", "additionalProperties": {}, "properties": {"kytkin"`, "additionalProperties must be true or false"},
		{`"required": ["teksti"]`, `"required": ["puuttuva"]`, `required property "puuttuva" is not among the properties`},
		{`"required": ["koe"]`, `"required": []`, "exactly one property, required"},
		{`{"type": "number", "sosmeta"`, `{"type": "array", "items": {"type": "number"}, "sosmeta"`, "arrays of arrays"},
		{"draft-07", "draft-06", "expected draft-07"},
		{`1506.1.2025.1.31`, `1506.1.2025.1.32`, "are not a day"},
		{`"2025-01-31"`, `"2025-01-30"`, "is not the day in the OID"},
		{`"status"`, `"oid"`, "SOS-JSON-DUPLICATE-KEY"},
		{tiny, `[]`, "must be an object"},
	} {
		text := strings.Replace(tiny, c.old, c.new, 1)
		if text == tiny {
			t.Fatalf("%q does not stand in the schema", c.old)
		}
		_, err := importTiny(t, text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "x/tiny.json") {
			t.Errorf("%s: %v", c.new, err)
		}
	}
	if _, err := ImportFS(fstest.MapFS{"a.json": {Data: []byte(tiny)}, "b.json": {Data: []byte(tiny)}}); err == nil {
		t.Error("one structure was taken twice")
	}
	if _, err := ImportFS(fstest.MapFS{}); err == nil {
		t.Error("nothing was imported")
	}
}

func TestImportFromFolderAndZip(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiny.json"), []byte(tiny), 0o600); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "set.zip")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	zw := zip.NewWriter(f)
	w, err := zw.Create("folder/tiny.json")
	if err == nil {
		_, err = io.WriteString(w, tiny)
	}
	if err != nil || zw.Close() != nil || f.Close() != nil {
		t.Fatal(err)
	}
	for _, name := range []string{dir, archive} {
		tb, err := Import(name)
		if err != nil || len(tb.Structures) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Import(filepath.Join(dir, "tiny.json")); err == nil {
		t.Error("a file that is no zip was imported")
	}
	if _, err := Import(filepath.Join(dir, "missing")); err == nil {
		t.Error("nothing was imported")
	}
}

func TestShippedTableIsTheImport(t *testing.T) {
	tb, err := Import(shared.Path(t, "schemas/sosmeta"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	tb.Source, tb.Date = own.Source, own.Date
	var b bytes.Buffer
	if _, err := tb.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(unpack(t, b.Bytes()), unpack(t, embedded)) {
		t.Error("table.json.gz is not what the importer makes of the schemas: run go generate")
	}
}

func unpack(t *testing.T, b []byte) []byte {
	t.Helper()
	zr, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestShippedTableHoldsAll202(t *testing.T) {
	list := Default().List()
	if len(list) != 202 || len(embedded) > 300_000 {
		t.Errorf("%d structures in %d octets", len(list), len(embedded))
	}
	groups := 0
	for _, st := range list {
		if st.Group() {
			groups++
		}
		if st.Version.IsZero() || !st.ValidFrom.Equal(st.Version) || !st.ValidTo.IsZero() || st.TitleFI == "" || st.Status != "Valmis" {
			t.Errorf("%s: %+v", st.OID, st)
		}
	}
	if groups != 4 || list[0].Code() != "1" || list[3].Code() != "9" || list[4].Code() != "1000" {
		t.Errorf("%d by group, order %s %s", groups, list[0].OID, list[4].OID)
	}
}

// No sentence of the definitions ships: descriptions, notes, examples, value
// texts and phrases are none of the table's texts.
func TestNoSentenceOfTheDefinitionsShips(t *testing.T) {
	dir := shared.Path(t, "schemas/sosmeta")
	table := string(unpack(t, embedded))
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		in := Decode(src, Options{Limits: Limits{Depth: 200}}).Instance
		for i := range in.Len() {
			switch in.Key(Ref(i)) {
			case "description", "implementationNote", "phrase", "valueSet", "example":
				for c := range in.Children(Ref(i)) {
					text := in.Text(in.Get(c, "value"))
					if len(text) < 60 {
						continue // may be a name too
					}
					checked++
					quoted, err := json.Marshal(text)
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(table, strings.Trim(string(quoted), `"`)) {
						t.Errorf("%s: %q ships", filepath.Base(name), text)
					}
				}
			}
		}
	}
	if checked < 10_000 {
		t.Errorf("only %d sentences checked", checked)
	}
}

func TestTableRoundTrip(t *testing.T) {
	tb, err := importTiny(t, tiny)
	if err != nil {
		t.Fatal(err)
	}
	tb.Source, tb.Date = "test", "2025-02-01"
	to := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	if err := tb.SetValidity("1.2.246.537.6.1506.1.2025.1.31", to.AddDate(-1, 0, 0), to); err != nil {
		t.Fatal(err)
	}
	if err := tb.SetValidity("1.2.3", to, to); err == nil {
		t.Error("validity of an unknown structure was set")
	}
	dir := filepath.Join(t.TempDir(), "structures")
	name, err := tb.Save(dir)
	if err != nil || filepath.Base(name) != "2025-02-01.sosmeta.json.gz" {
		t.Fatal(name, err)
	}
	set, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	st, ok := set.Lookup("1.2.246.537.6.1506.1.2025.1.31")
	if !ok || len(set.List()) != 203 || !st.ValidTo.Equal(to) || !st.ValidFrom.Equal(to.AddDate(-1, 0, 0)) || st.table.Source != "test" {
		t.Errorf("%+v", st)
	}
	if set, err := Open(filepath.Join(dir, "missing")); err != nil || len(set.List()) != 202 {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "x"+tableSuffix), []byte("no gzip"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "x"+tableSuffix) {
		t.Errorf("a broken table was opened: %v", err)
	}
}

func TestBrokenTablesAreRefused(t *testing.T) {
	hash := base64.RawStdEncoding.EncodeToString(make([]byte, 31))
	for _, s := range []string{
		`{"format":"portti-sosmeta/2"}`,
		`{`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"x"}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"o","n":1}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"o","f":[{"k":"a","s":0}]}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"o","f":[{"k":"a","s":1}]},{"k":"s"}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"s","pat":"("}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"s","ph":["` + hash + `"]}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"s"}],"structures":[{"oid":"1.2.246.537.6.1506.1.2025.1.31","root":0}]}`,
		`{"format":"portti-sosmeta/1","specs":[{"k":"s"},{"k":"o","f":[{"k":"a","s":0}]}],"structures":[{"oid":"1.2.246.537.6.1506.1","root":1}]}`,
	} {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		if _, err := io.WriteString(zw, s); err != nil || zw.Close() != nil {
			t.Fatal(err)
		}
		if _, err := ReadTable(&b); err == nil {
			t.Errorf("%s was taken", s)
		}
	}
	bomb := `{"format":"portti-sosmeta/1","specs":[{"k":"s"}`
	for i := range 40 {
		bomb += fmt.Sprintf(`,{"k":"o","f":[{"k":"a","s":%d},{"k":"b","s":%d}]}`, i, i)
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	if _, err := io.WriteString(zw, bomb+"]}"); err != nil || zw.Close() != nil {
		t.Fatal(err)
	}
	if _, err := ReadTable(&b); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("a table that doubles forty times: %v", err)
	}
	if _, err := ReadTable(strings.NewReader("no gzip")); err == nil {
		t.Error("text was taken")
	}
}
