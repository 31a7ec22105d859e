package schema

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portti/internal/xmltree"
)

var startTag = regexp.MustCompile(`<[A-Za-z:]+( [^<>]*)?>`)

// spoil makes about every second start tag wrong in one of the ways given.
func spoil(r *rand.Rand, doc string, ways []func(tag string) string) string {
	first := true
	return startTag.ReplaceAllStringFunc(doc, func(tag string) string {
		if root := first; root || strings.Contains(tag, "xmlns") || r.IntN(2) == 0 {
			first = false
			return tag
		}
		return ways[r.IntN(len(ways))](tag)
	})
}

var (
	aValue    = regexp.MustCompile(`="([^"]*)"`)
	anAttr    = regexp.MustCompile(` [A-Za-z]+="[^"]*"`)
	attrFault = []func(string) string{
		func(tag string) string { return aValue.ReplaceAllString(tag, `="x$1 "`) },
		func(tag string) string { return aValue.ReplaceAllString(tag, `=""`) },
		func(tag string) string { return anAttr.ReplaceAllString(tag, ``) },
		func(tag string) string {
			return strings.Replace(strings.Replace(tag, " ", ` other="1" `, 1), `root="1`, `root="01`, 1)
		},
		func(tag string) string {
			if strings.Contains(tag, "nullFlavor") {
				return strings.Replace(tag, `nullFlavor="`, `nullFlavor="Q`, 1)
			}
			return strings.NewReplacer("/>", ` nullFlavor="XX"/>`, ">", ` nullFlavor="XX">`).Replace(tag)
		},
	}
	childFault = append(slices.Clone(attrFault),
		func(tag string) string {
			if strings.HasSuffix(tag, "/>") {
				return "<other/>" + tag
			}
			return tag + "<other a='1'><id root='x'/></other>"
		},
		func(tag string) string { return "text" + tag })
)

// faulty gives what Validate tells when the model may foresee from the few-th fault on.
func faulty(t *testing.T, s *Schema, few int, doc string) []string {
	t.Helper()
	tree, err := xmltree.Parse([]byte(doc), xmltree.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	faults, err := eager(s, few, 64).Validate(tree, tree.Root(), Options{IDs: []string{"ID"}})
	if err != nil {
		t.Fatal(err)
	}
	return lines(faults)
}

// eager is s when the model may foresee from the few-th fault on, and parts are short.
func eager(s *Schema, few, part int) *Schema {
	one := *s
	one.few, one.part = few, part
	return &one
}

func lines(faults []Fault) []string {
	var out []string
	for _, f := range faults {
		out = append(out, fmt.Sprint(f.Node, " ", f.Attr, " ", f.Kind, " ", f.Type, " ", f.Expected, " ", f.Code))
	}
	slices.SortStableFunc(out, cmp.Compare)
	return out
}

// toldAndForeseen gives how many faults of a document libxml2 tells, and how many it does not:
// the model foresees them.
func toldAndForeseen(t *testing.T, s *Schema, tree *xmltree.Tree, o Options) (told, seen int) {
	t.Helper()
	name, _ := s.rootName(tree, tree.Root(), &o)
	raws, foreseen, _, err := s.examine(newDiagnosis(s, tree, tree.Root(), &o, s.model.global[name]), name)
	if err != nil {
		t.Fatal(err)
	}
	return len(raws), len(foreseen)
}

// Of a thousand faults of one kind libxml2 tells those of the first parts only: each
// message that it writes costs more than the element it is about. Not one is lost.
func TestThousandFaultsAreForeseen(t *testing.T) {
	s := testSchema(t)
	const good = `<pair root="1.2" must="1"/>`
	for name, one := range map[string]string{
		"attribute unknown": `<pair root="1.2" must="1" x="1"/>`, "attribute missing": `<pair root="1.2"/>`,
		"pattern": `<pair root="1.02" must="1"/>`, "child unknown": `<inner>` + first + `<x/>` + last + `</inner>`,
		"first child missing": `<inner>` + last + `</inner>`, "last child missing": `<inner>` + first + `</inner>`,
		"both children missing": `<inner/>`, "text": `<inner>` + first + `text` + last + `</inner>`,
	} {
		content := strings.Repeat(one, MaxFaults-1)
		if strings.HasPrefix(one, "<pair") {
			content = good + content
		}
		tree := parse(t, doc("", content))
		faults, err := s.Validate(tree, tree.Root(), testOptions)
		if err != nil {
			t.Fatal(err)
		}
		told, seen := toldAndForeseen(t, s, tree, testOptions)
		if told > 150 || seen < 800 {
			t.Errorf("%s: libxml2 tells %d, %d are foreseen", name, told, seen)
		}
		if plain, err := eager(s, MaxFaults+1, partSize).Validate(tree, tree.Root(), testOptions); err != nil || !slices.Equal(lines(faults), lines(plain)) {
			t.Errorf("%s: %v %s", name, err, difference(lines(plain), lines(faults)))
		}
	}
}

// What the model foresees is what libxml2 tells: of documents with hundreds of faults
// the findings are the same, whichever of them tells.
func TestForeseenEqualsTold(t *testing.T) {
	s, err := Compile(os.DirFS("../../../cda/xsd/schemas"), "document-strict.xsd")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile("../../../cda/xsd/testdata/full.xml")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 7))
	foreseen := 0
	for i := range 60 {
		ways := attrFault
		if i%2 == 1 {
			ways = childFault
		}
		doc := spoil(r, string(whole), ways)
		plain, quick := faulty(t, s, MaxFaults, doc), faulty(t, s, 12, doc)
		if _, seen := toldAndForeseen(t, eager(s, 12, 64), parse(t, doc), Options{}); seen > 0 {
			foreseen++
		}
		if i%2 == 0 && !slices.Equal(plain, quick) {
			t.Fatalf("document %d: %s", i, difference(plain, quick))
		}
		// A child that is not fed lets libxml2 read on where it would have stopped: of
		// what stands deeper more may be told, never less.
		if missed := difference(plain, quick); i%2 == 1 && (strings.HasPrefix(missed, "- ") || strings.Contains(missed, "\n- ")) {
			t.Fatalf("document %d: %s", i, missed)
		}
	}
	if foreseen < 40 {
		t.Errorf("only %d documents had faults to foresee", foreseen)
	}
}

// difference tells the lines of a that are not in b with "-", and those of b alone
// with "+".
func difference(a, b []string) string {
	var out []string
	count := make(map[string]int)
	for _, x := range b {
		count[x]++
	}
	for _, x := range a {
		if count[x]--; count[x] < 0 {
			out = append(out, "- "+x)
		}
	}
	for _, x := range b {
		if count[x] > 0 {
			out = append(out, "+ "+x)
			count[x]--
		}
	}
	return strings.Join(out, "\n")
}
