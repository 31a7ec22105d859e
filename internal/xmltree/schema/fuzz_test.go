package schema

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

// vocabulary is what random trees are made of: what the test schema knows, and what
// it does not.
var vocabulary = struct{ names, attrs, texts []string }{
	names: []string{"doc", "first", "second", "either", "or", "pair", "text", "b", "number", "stamp", "fixed", "name",
		"span", "low", "high", "open", "inner", "last", "o:foreign", "o:kid", "x", "a:x", "n:y"},
	attrs: []string{`must="1"`, `must=""`, `root="1.2"`, `root="1.02"`, `class="LEAF"`, `class="x"`, `q="a:b"`, `q="z:b"`,
		`ID="a"`, `ID="b"`, `ref="a"`, `kind="A"`, `kind="&amp;'"`, `xml:lang="fi"`, `xsi:type="leaf"`, `xsi:type="doc.type"`,
		`xsi:type="a:b"`, `xsi:nil="true"`, `xsi:schemaLocation="urn:t /etc/passwd"`, `a:must="1"`, `xmlns=""`, `xmlns="urn:t"`,
		`xmlns:a="urn:t"`, `xmlns:n="urn:n"`},
	texts: []string{" ", "x", "1", "2026-03-01T10:00:01Z", "so", "a:b", "<!--c-->", "<?p i?>", "<![CDATA[x]]>", "<![CDATA[ ]]>", "&amp;"},
}

// randomTree writes a document as the bytes say: each opens an element, gives it an
// attribute, adds text, or closes one.
func randomTree(program []byte) string {
	var b strings.Builder
	b.WriteString(`<doc xmlns="urn:t" xmlns:o="urn:other" xmlns:a="urn:a" xmlns:n="urn:n" xmlns:xsi="` + spaceXSI + `">`)
	var open []string
	for i := 0; i < len(program); i++ {
		switch c := int(program[i]); {
		case c < 120:
			name := vocabulary.names[c%len(vocabulary.names)]
			b.WriteString("<" + name)
			used := map[string]bool{}
			for i++; i < len(program) && program[i] >= 128; i++ {
				attr := vocabulary.attrs[int(program[i])%len(vocabulary.attrs)]
				if key, _, _ := strings.Cut(attr, "="); !used[key] && (key != "a:must" || !used["xmlns:a"]) {
					used[key] = true
					b.WriteString(" " + attr)
				}
			}
			i--
			b.WriteString(">")
			open = append(open, name)
		case c < 190 && len(open) > 0:
			b.WriteString("</" + open[len(open)-1] + ">")
			open = open[:len(open)-1]
		default:
			text := vocabulary.texts[c%len(vocabulary.texts)]
			if c%7 == 0 {
				text = strings.Repeat(text, bigText)
			}
			b.WriteString(text)
		}
	}
	for _, name := range slices.Backward(open) {
		b.WriteString("</" + name + ">")
	}
	b.WriteString("</doc>")
	return b.String()
}

// lost tells the first fault that is not among those that were foreseen.
func lost(told, foreseen []Fault) string {
	type key struct {
		n    xmltree.Node
		a    xmltree.Attr
		kind Kind
	}
	seen := make(map[key]bool, len(foreseen))
	for _, f := range foreseen {
		seen[key{f.Node, f.Attr, f.Kind}] = true
	}
	for _, f := range told {
		if !seen[key{f.Node, f.Attr, f.Kind}] {
			return fmt.Sprintf("%+v", f)
		}
	}
	return ""
}

// FuzzValidate drives random trees, and random bytes that happen to be XML, through
// the engine: it never fails, repeats itself, and tells nothing but names of the
// schema.
func FuzzValidate(f *testing.F) {
	f.Add([]byte{1, 128, 61, 17, 128, 180}, false)
	f.Add([]byte{20, 21, 22, 0, 1, 150, 230, 140, 140, 3, 200, 130, 130, 180, 180, 180}, false)
	f.Add([]byte(doc(` ID="a"`, `<text>x<b>y</b></text><number>1</number>`)), true)
	f.Add([]byte(`<doc xmlns="urn:t"><x/><inner><first/></inner></doc>`), true)
	s := testSchema(f)
	known := map[string]bool{"A": true, "B": true, "LEAF": true, "so": true}
	for _, c := range s.model.types {
		for name := range c.children {
			known[name.Local] = true
		}
	}
	for _, name := range []string{"must", "ID", "doc", "foreign"} {
		known[name] = true
	}
	f.Fuzz(func(t *testing.T, data []byte, isXML bool) {
		if !isXML {
			data = []byte(randomTree(data))
		}
		tree, err := xmltree.Parse(data, xmltree.Limits{})
		if err != nil {
			return
		}
		o := testOptions
		o.Opaque = []Name{{"urn:t", "open"}}
		var last []Fault
		for range 2 {
			faults, err := s.Validate(tree, tree.Root(), o)
			if err != nil {
				t.Fatal(err)
			}
			if last != nil && len(faults) != len(last) {
				t.Fatalf("%d faults, then %d", len(last), len(faults))
			}
			last = faults
		}
		// Where the model may foresee from the first fault on, no fault is lost.
		foreseen, err := eager(s, 1, 1).Validate(tree, tree.Root(), o)
		if err != nil {
			t.Fatal(err)
		}
		if lost := lost(last, foreseen); lost != "" && len(foreseen) < MaxFaults {
			t.Fatalf("lost by foreseeing: %s", lost)
		}
		for i, x := range last {
			if i > 0 && x.Node < last[i-1].Node {
				t.Fatal("not in document order")
			}
			if x.Kind == 0 || x.Kind == Other {
				t.Fatalf("a fault without a kind of its own: %+v", x)
			}
			for _, n := range x.Expected {
				if !known[n.Local] {
					t.Fatalf("%q is expected", n.Local)
				}
			}
		}
		for n := range tree.Children(tree.Root()) { // a subtree by its own element
			if _, err := s.Validate(tree, n, o); err != nil {
				t.Fatal(err)
			}
		}
		if Refused() != 0 {
			t.Fatal("libxml2 wanted to open something")
		}
	})
}
