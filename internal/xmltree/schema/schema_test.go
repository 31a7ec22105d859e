package schema

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"portti/internal/xmltree"
)

// compiledTest is the schema of testdata/test.xsd.
var compiledTest = sync.OnceValues(func() (*Schema, error) { return Compile(os.DirFS("testdata"), "test.xsd") })

func testSchema(tb testing.TB) *Schema {
	tb.Helper()
	s, err := compiledTest()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

var testOptions = Options{IDs: []string{"ID"}, IDRefs: []string{"ref"}}

func parse(tb testing.TB, doc string) *xmltree.Tree {
	tb.Helper()
	t, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		tb.Fatalf("%v in %.200s", err, doc)
	}
	return t
}

// validate gives the faults of a document as lines "Kind place: expected".
func validate(tb testing.TB, s *Schema, t *xmltree.Tree, root xmltree.Node, o Options) []string {
	tb.Helper()
	faults, err := s.Validate(t, root, o)
	if err != nil {
		tb.Fatal(err)
	}
	var lines []string
	for _, f := range faults {
		lines = append(lines, tell(t, f))
	}
	return lines
}

var kindNames = map[Kind]string{
	RootUnknown: "root", ElementUnexpected: "unexpected", ElementOrder: "order", ElementRepeated: "repeated",
	ElementMissing: "missing", TextNotAllowed: "text", AttributeUnknown: "attribute", AttributeMissing: "no attribute",
	ValuePattern: "pattern", ValueEnum: "enum", ValueEmpty: "empty", ValueType: "type", ValueFixed: "fixed",
	TypeUnknown: "xsi:type", IDDuplicate: "id", IDRefTarget: "idref", Other: "other",
}

func tell(t *xmltree.Tree, f Fault) string {
	place := t.XPath(f.Node)
	if f.Attr >= 0 {
		place = t.AttrXPath(f.Node, f.Attr)
	}
	var names []string
	for _, n := range f.Expected {
		names = append(names, n.Local)
	}
	return strings.TrimSuffix(fmt.Sprintf("%s %s: %s%s", kindNames[f.Kind], strings.ReplaceAll(place, "[1]", ""), f.Type, strings.Join(names, " ")), ": ")
}

const (
	first = `<first must="1"/>`
	last  = `<last must="1"/>`
)

func doc(attrs, content string) string {
	return `<doc xmlns="urn:t"` + attrs + `>` + first + content + last + `</doc>`
}

func TestFaultsByKind(t *testing.T) {
	s := testSchema(t)
	xsi := ` xmlns:xsi="` + spaceXSI + `"`
	for name, c := range map[string]struct {
		doc  string
		want []string
	}{
		"valid":             {doc(` ID="a" kind="A"`, `<second must="1"/><or must="1"/><text>x<b>y</b></text>`), nil},
		"root":              {`<other xmlns="urn:t"/>`, []string{"root /other: foreign doc"}},
		"root space":        {`<doc/>`, []string{"root /doc: foreign doc"}},
		"unexpected":        {doc("", `<x/>`), []string{"unexpected /doc/x: first second either or foreign pair text number"}},
		"unexpected space":  {doc("", `<second xmlns="" must="1"/>`), []string{"unexpected /doc/*[local-name()='second']: first second either or foreign pair text number"}},
		"unexpected, empty": {`<doc xmlns="urn:t"><first must="1"><x/></first>` + last + `</doc>`, []string{"unexpected /doc/first/x"}},
		"unexpected, value": {doc("", `<number>1<x/></number>`), []string{"unexpected /doc/number/x"}},
		"unexpected, nested": {doc("", `<span><high must="1"/><low must="1"/></span>`),
			[]string{"unexpected /doc/span/low: low high"}},
		"order":          {doc("", `<or must="1"/><second must="1"/>`), []string{"order /doc/or: second or last"}},
		"order, far":     {`<doc xmlns="urn:t">` + last + first + `<text/></doc>`, []string{"order /doc/last: text last"}},
		"repeated":       {doc("", `<or must="1"/><or must="1"/>`), []string{"repeated /doc/or[2]: or"}},
		"repeated twice": {doc("", strings.Repeat(`<second must="1"/>`, 4)), []string{"repeated /doc/second[3]: second", "repeated /doc/second[4]: second"}},
		"choice":         {doc("", `<or must="1"/><either must="1"/>`), []string{"repeated /doc/either: either"}},
		"missing last":   {`<doc xmlns="urn:t">` + first + `</doc>`, []string{"missing /doc: last"}},
		"missing first":  {`<doc xmlns="urn:t"><second must="1"/>` + last + `</doc>`, []string{"missing /doc: first"}},
		"missing both":   {`<doc xmlns="urn:t"/>`, []string{"missing /doc: first", "missing /doc: last"}},
		"missing ref":    {doc("", `<o:foreign xmlns:o="urn:other"/>`), []string{"missing /doc/*[local-name()='foreign']: kid"}},
		"missing nested": {doc("", `<span/>`), []string{"missing /doc/span: low high"}},
		"text":           {doc("", `x`), []string{"text /doc"}},
		"text in empty":  {`<doc xmlns="urn:t"><first must="1"> </first>` + last + `</doc>`, []string{"text /doc/first"}},
		"text twice":     {doc("", `x<text/>y`), []string{"text /doc"}},
		"cdata":          {doc("", `<![CDATA[x]]>`), []string{"text /doc"}},
		"blank cdata":    {doc("", `<![CDATA[ ]]>`), nil},
		"attribute":      {doc(` x="1"`, ``), []string{"attribute /doc/@x"}},
		"attribute space": {doc(` xmlns:o="urn:other" o:kind="A"`, ``),
			[]string{"attribute /doc/@*[local-name()='kind']"}},
		"attribute of a simple type": {doc("", `<number x="1">1</number>`), []string{"attribute /doc/number/@x"}},
		"nil":                        {doc(xsi+` xsi:nil="true"`, ``), []string{"attribute /doc/@*[local-name()='nil']"}},
		"no attribute":               {doc("", `<second/>`), []string{"no attribute /doc/second: must"}},
		"pattern":                    {doc("", `<second must="1" root="1.02"/>`), []string{"pattern /doc/second/@root: oid"}},
		"enum":                       {doc(` kind="C"`, ``), []string{"enum /doc/@kind: A B"}},
		"empty":                      {doc("", `<second must=""/>`), []string{"empty /doc/second/@must: "}},
		"type":                       {doc("", `<number>1.5</number>`), []string{"type /doc/number: xs:integer"}},
		"type of an attribute":       {doc("", `<stamp ID="1">2026-03-01T10:00:01.5Z</stamp>`), []string{"type /doc/stamp/@ID: xs:ID"}},
		"type of content":            {doc("", `<stamp ID="a">2026</stamp>`), []string{"type /doc/stamp: xs:dateTime"}},
		"fixed attribute":            {doc("", `<second must="1" class="X"/>`), []string{"fixed /doc/second/@class: LEAF"}},
		"fixed content":              {doc("", `<fixed>no</fixed>`), []string{"fixed /doc/fixed: so"}},
		"fixed content, empty":       {doc("", `<fixed/>`), nil},
		"xsi:type":                   {doc(xsi, `<second must="1" xsi:type="mixed"/>`), []string{"xsi:type /doc/second/@*[local-name()='type']"}},
		"xsi:type unbound":           {doc(xsi, `<second must="1" xsi:type="u:leaf"/>`), []string{"xsi:type /doc/second/@*[local-name()='type']"}},
		"xsi:type of its own":        {doc(xsi, `<second must="1" xsi:type="leaf"/>`), nil},
		"xsi:type hidden":            {doc(xsi+` xmlns:p="urn:t" xsi:type="p:doc.type"`, ``), []string{"xsi:type /doc/@*[local-name()='type']"}},
		"id":                         {doc(` ID="a"`, `<stamp ID="a">2026-03-01T10:00:01Z</stamp>`), []string{"id /doc/stamp/@ID"}},
		"id with blanks":             {doc(` ID="a"`, `<stamp ID=" a ">2026-03-01T10:00:01Z</stamp>`), []string{"id /doc/stamp/@ID"}},
		"idref":                      {doc(` ID="a" ref="a b"`, ``), []string{"idref /doc/@ref"}},
		"idrefs":                     {doc(` ID="a" ref=" a  a "`, ``), nil},
		"id in skipped":              {doc(` ID="a"`, `<open><x ID="a"/></open>`), []string{"id /doc/open/x/@ID"}},
		"skipped":                    {doc("", `<open><x y="1"/><first/></open>`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			tree := parse(t, c.doc)
			got := validate(t, s, tree, tree.Root(), testOptions)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], ": ")
			}
			for i := range c.want {
				c.want[i] = strings.TrimSuffix(c.want[i], ": ")
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

// All faults of a parent are told, though libxml2 stops at its first: those of the
// children that it left unread too, by their types.
func TestAllFaultsOfAParent(t *testing.T) {
	s := testSchema(t)
	xsi := ` xmlns:xsi="` + spaceXSI + `"`
	for name, c := range map[string]struct {
		doc  string
		want []string
	}{
		"unknown ones": {doc("", `<x/><y/>`), []string{
			"unexpected /doc/x: first second either or foreign pair text number",
			"unexpected /doc/y: first second either or foreign pair text number"}},
		"siblings": {doc("", `<x/><text><c/></text><number>z</number><stamp>2026</stamp>`), []string{
			"unexpected /doc/x: first second either or foreign pair text number",
			"unexpected /doc/text/c: b", "type /doc/number: xs:integer",
			"no attribute /doc/stamp: ID", "type /doc/stamp: xs:dateTime"}},
		"itself": {doc("", `<number/><second root="x"/>`), []string{
			"type /doc/number: xs:integer", "order /doc/number: second number last",
			"no attribute /doc/second: must", "pattern /doc/second/@root: oid"}},
		"below": {doc("", `<x/><inner>`+first+`<second must=""/></inner>`), []string{
			"unexpected /doc/x: first second either or foreign pair text number",
			"missing /doc/inner: last", "empty /doc/inner/second/@must: "}},
		"its own xsi:type": {doc(xsi, `<x/><second must="1" xsi:type="p:q"/>`), []string{
			"unexpected /doc/x: first second either or foreign pair text number"}},
		"names by the declarations of the parent": {
			`<p:doc xmlns:p="urn:t" xmlns:a="urn:a"><p:first must="1"/><p:x/><p:name>a:b</p:name><p:last must="1" q="a:b"/></p:doc>`,
			[]string{"unexpected /doc/x: first second either or foreign pair text number"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree := parse(t, c.doc)
			got := validate(t, s, tree, tree.Root(), testOptions)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], ": ")
			}
			for i := range c.want {
				c.want[i] = strings.TrimSuffix(c.want[i], ": ")
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q\nwant %q", got, c.want)
			}
		})
	}
}

// A chain of faults inside what earlier faults left unread takes two passes in all,
// not one for each: else depth times size would be the cost.
func TestNoMoreThanOneFurtherPass(t *testing.T) {
	s := testSchema(t)
	text := first + `<x/>` + `<inner>` + first + `<x/>` + `<inner>` + first + `<x/>` + last + `</inner>` + last + `</inner>` + last
	tree := parse(t, `<doc xmlns="urn:t">`+text+`</doc>`)
	got := validate(t, s, tree, tree.Root(), testOptions)
	if len(got) != 2 || !strings.HasPrefix(got[0], "unexpected /doc/x") || !strings.HasPrefix(got[1], "unexpected /doc/inner/x") {
		t.Errorf("got %q, want the faults of the first two levels", got)
	}
}

func TestNamespacesInValues(t *testing.T) {
	s := testSchema(t)
	for name, c := range map[string]struct {
		doc   string
		valid bool
	}{
		"own prefix":        {doc(` xmlns:a="urn:a"`, `<name>a:b</name>`), true},
		"unbound":           {doc(``, `<name>a:b</name>`), false},
		"xml":               {doc(``, `<name>xml:lang</name>`), true},
		"default":           {doc(``, `<name>b</name>`), true},
		"bound on itself":   {doc(``, `<name xmlns:a="urn:a">a:b</name>`), true},
		"bound on a sister": {doc(``, `<second must="1" xmlns:a="urn:a"/><name>a:b</name>`), false},
		"in an attribute":   {doc(` xmlns:a="urn:a"`, `<second must="1" q="a:b"/>`), true},
		"unbound in it":     {doc(``, `<second must="1" q="a:b"/>`), false},
		"xml:lang":          {doc(` xml:lang="fi"`, ``), true},
		"bad xml:lang":      {doc(` xml:lang="_"`, ``), false},
		"undeclared":        {`<p:doc xmlns:p="urn:t" xmlns="urn:x"><p:first must="1"/><p:name xmlns="">b</p:name><p:last must="1"/></p:doc>`, true},
	} {
		t.Run(name, func(t *testing.T) {
			tree := parse(t, c.doc)
			if got := validate(t, s, tree, tree.Root(), testOptions); (len(got) == 0) != c.valid {
				t.Errorf("got %q, valid should be %v", got, c.valid)
			}
		})
	}
}

// A subtree is judged by the declarations that stand around it.
func TestSubtree(t *testing.T) {
	s := testSchema(t)
	inner := `<p:doc><p:first must="1"/><p:name>%s:b</p:name><p:last must="1"/></p:doc>`
	for prefix, valid := range map[string]bool{"a": true, "p": true, "c": true, "z": false, "xml": true} {
		tree := parse(t, `<e xmlns:a="urn:a" xmlns:c="urn:c1"><f xmlns:p="urn:t" xmlns:c="urn:c2">`+fmt.Sprintf(inner, prefix)+`</f></e>`)
		root := tree.Path(tree.Root(), "", "f")
		root = tree.Child(root, "urn:t", "doc")
		if got := validate(t, s, tree, root, testOptions); (len(got) == 0) != valid {
			t.Errorf("prefix %s: %q", prefix, got)
		}
	}
}

func TestOptionsRootsAndAs(t *testing.T) {
	s := testSchema(t)
	tree := parse(t, `<letter xmlns="urn:t">`+first+`<x/>`+last+`</letter>`)
	o := testOptions
	if got := validate(t, s, tree, tree.Root(), o); len(got) != 1 || !strings.HasPrefix(got[0], "root") {
		t.Errorf("undeclared root: %q", got)
	}
	o.Roots = []Name{{"urn:t", "doc"}, {"urn:t", "letter"}}
	o.As = Name{"urn:t", "doc"}
	got := validate(t, s, tree, tree.Root(), o)
	if len(got) != 1 || !strings.HasPrefix(got[0], "unexpected /letter/x") {
		t.Errorf("root by configuration: %q", got)
	}
	o.Roots = o.Roots[1:]
	tree = parse(t, doc("", ""))
	if got := validate(t, s, tree, tree.Root(), o); len(got) != 1 || got[0] != "root /doc: letter" {
		t.Errorf("declared root that is not taken: %q", got)
	}
}

func TestOpaque(t *testing.T) {
	s := testSchema(t)
	o := testOptions
	o.Opaque = []Name{{"urn:t", "open"}}
	tree := parse(t, doc(` ID="a"`, `<open><x ID="b"><y ID="b"/>text</x> <z/></open>`))
	got := validate(t, s, tree, tree.Root(), o)
	if len(got) != 1 || got[0] != "id /doc/open/x/y/@ID" {
		t.Errorf("got %q", got)
	}
}

func TestManyFaultsAreCut(t *testing.T) {
	s := testSchema(t)
	for name, content := range map[string]string{
		"values":     strings.Repeat(`<pair/>`, 5*MaxFaults),
		"unexpected": strings.Repeat(`<x/>`, 5*MaxFaults),
		"order":      `<inner>` + first + last + `</inner>` + strings.Repeat(`<pair must="1"/><text/>`, 5*MaxFaults),
		"ids":        strings.Repeat(`<inner ID="a">`+first+last+`</inner>`, 5*MaxFaults),
	} {
		tree := parse(t, doc("", content))
		faults, err := s.Validate(tree, tree.Root(), testOptions)
		if err != nil || len(faults) != MaxFaults {
			t.Errorf("%s: %d faults, %v", name, len(faults), err)
		}
	}
}

// The engine's own failure is an error, never a fault of the document.
func TestOwnFailureIsAnError(t *testing.T) {
	s := testSchema(t)
	tree := parse(t, doc("", ""))
	for name, spoil := range map[string]func(f *feed){
		"an event unknown": func(f *feed) { f.ev = append(f.ev, 99) },
		"an end too many":  func(f *feed) { f.ev = append(f.ev, phaseEnd) },
	} {
		f := newFeed(tree, &Options{})
		_, err := s.run(f, func() {
			f.walk(tree.Root())
			spoil(f)
		})
		f.release()
		if err != ErrEngine {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	head := `<xs:schema xmlns:xs="` + spaceXSD + `" xmlns="urn:t" targetNamespace="urn:t">`
	for name, files := range map[string]fstest.MapFS{
		"missing":         {},
		"not XML":         {"m.xsd": {Data: []byte("x")}},
		"no schema":       {"m.xsd": {Data: []byte(head + `<xs:element name="a" type="nowhere"/></xs:schema>`)}},
		"missing include": {"m.xsd": {Data: []byte(head + `<xs:include schemaLocation="n.xsd"/></xs:schema>`)}},
		"a path":          {"m.xsd": {Data: []byte(head + `<xs:include schemaLocation="a/n.xsd"/></xs:schema>`)}},
		"anonymous type":  {"m.xsd": {Data: []byte(head + `<xs:complexType name="a"><xs:sequence><xs:element name="b"><xs:complexType/></xs:element></xs:sequence></xs:complexType></xs:schema>`)}},
		"not determinist": {"m.xsd": {Data: []byte(head + `<xs:complexType name="a"><xs:sequence><xs:element name="b" type="xs:string" minOccurs="0"/><xs:element name="b" type="xs:string"/></xs:sequence></xs:complexType></xs:schema>`)}},
		"doctype":         {"m.xsd": {Data: []byte(`<!DOCTYPE a>` + head + `</xs:schema>`)}},
	} {
		if s, err := Compile(files, "m.xsd"); err == nil || s != nil {
			t.Errorf("%s: compiled", name)
		}
	}
}
