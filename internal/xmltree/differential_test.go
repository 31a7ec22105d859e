package xmltree_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"portti/internal/shared"
	"portti/internal/xmltree"
	"portti/internal/xmltree/libxml2judge"
)

// differenceClass is a class of testdata/differences.yaml in which our verdict may
// differ from libxml2's.
type differenceClass struct {
	ID        string `yaml:"id"`
	Standard  string `yaml:"standard"`
	Ours      string `yaml:"ours"`
	Libxml2   string `yaml:"libxml2"`
	Why       string `yaml:"why"`
	Example   string `yaml:"example"`
	Nest      int    `yaml:"nest"`
	Canonical string `yaml:"canonical"` // a class of the canonical form that comes with it
}

func (c differenceClass) document(tb testing.TB) []byte {
	tb.Helper()
	doc, err := strconv.Unquote(c.Example)
	if err != nil {
		tb.Fatalf("differences.yaml: the example of class %q is no Go string: %v", c.ID, err)
	}
	return []byte(strings.Repeat("<a>", c.Nest) + doc + strings.Repeat("</a>", c.Nest))
}

func differenceClasses(tb testing.TB) []differenceClass {
	tb.Helper()
	b, err := os.ReadFile("testdata/differences.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	var f struct {
		Classes []differenceClass `yaml:"classes"`
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil {
		tb.Fatal(err)
	}
	return f.Classes
}

func allowedDifferences(tb testing.TB) map[string]bool {
	tb.Helper()
	allowed := map[string]bool{}
	for _, c := range differenceClasses(tb) {
		if c.ID == "" || c.Standard == "" || c.Ours == "" || c.Libxml2 == "" || c.Why == "" || c.Example == "" || allowed[c.ID] {
			tb.Errorf("differences.yaml: class %q lacks a field or stands twice", c.ID)
		}
		allowed[c.ID] = true
	}
	return allowed
}

// TestEachDifferenceFromLibxml2HasAnExample shows that no class is there for nothing
// and that none hides another.
func TestEachDifferenceFromLibxml2HasAnExample(t *testing.T) {
	for _, c := range differenceClasses(t) {
		doc := c.document(t)
		_, _, classes, v := judged(t, doc)
		want := []string{c.ID}
		if c.Canonical != "" {
			want = append(want, c.Canonical)
		}
		if !slices.Equal(classes, want) {
			t.Errorf("the example of class %s differs in %v: libxml2 %+v", c.ID, classes, v)
		}
	}
}

// judged parses a document twice and names the classes of difference.
func judged(tb testing.TB, doc []byte) (*xmltree.Tree, *xmltree.SyntaxError, []string, libxml2judge.Verdict) {
	tb.Helper()
	tree, err := xmltree.Parse(doc, xmltree.Limits{})
	var fault *xmltree.SyntaxError
	if err != nil && !errors.As(err, &fault) {
		tb.Fatalf("an error that is no syntax error: %v", err)
	}
	// Its limits stay on for documents that may define entities.
	hasDTD := fault != nil && fault.Code == xmltree.CodeDTD || bytes.Contains(withoutZeros(doc), []byte("<!DOCTYPE"))
	v := libxml2judge.Judge(doc, !hasDTD)
	return tree, fault, difference(doc, tree, fault, v), v
}

// comparison judges documents twice and counts the classes of difference.
type comparison struct {
	testing.TB
	allowed   map[string]bool
	seen      map[string]int
	documents int
	accepted  int
	unknown   int
}

func newComparison(tb testing.TB) *comparison {
	return &comparison{TB: tb, allowed: allowedDifferences(tb), seen: map[string]int{}}
}

// compare fails the test where the two disagree in no known class.
func (c *comparison) compare(name string, doc []byte) {
	c.Helper()
	c.documents++
	tree, fault, classes, v := judged(c, doc)
	if fault == nil && v.Accepted() {
		c.accepted++
	}
	for _, class := range classes {
		if c.allowed[class] {
			c.seen[class]++
		} else if c.unknown++; c.unknown <= 12 {
			c.Errorf("%s: class %q\nours: %v\nlibxml2: well-formed %v, namespaces %v, codes %v, line %d\n%.600q\nours    %.300q\nlibxml2 %.300q",
				name, class, fault, v.WellFormed, v.NamespaceWellFormed, v.Codes, v.Line, doc, canonicalOf(tree), v.Canonical)
		}
	}
}

func canonicalOf(t *xmltree.Tree) []byte {
	if t == nil {
		return nil
	}
	return canonical(t)
}

func (c *comparison) report() {
	c.Helper()
	c.Logf("libxml2 %s: %d documents, %d accepted by both, differences by class: %v", libxml2judge.Version(), c.documents, c.accepted, c.seen)
	if c.unknown > 0 {
		c.Errorf("%d documents differ in no known class", c.unknown)
	}
}

// TestAgainstLibxml2OnSharedDocuments compares every XML file of the shared
// material.
func TestAgainstLibxml2OnSharedDocuments(t *testing.T) {
	files := sharedXML(t)
	c := newComparison(t)
	for _, f := range files {
		c.compare(f, readFile(t, f))
	}
	c.report()
	if c.documents < 100 {
		t.Errorf("only %d XML files found in the shared material", c.documents)
	}
}

// TestAgainstLibxml2OnGeneratedDocuments compares generated and mutated documents:
// 3,000, or as many as PORTTI_FUZZ_DOCS says, from PORTTI_FUZZ_SEED on.
func TestAgainstLibxml2OnGeneratedDocuments(t *testing.T) {
	count, first := envInt(t, "PORTTI_FUZZ_DOCS", 3000), envInt(t, "PORTTI_FUZZ_SEED", 1)
	c := newComparison(t)
	corpus := mutationCorpus(t)
	for i := range count {
		g := newGenerator(uint64(first + i))
		doc := g.document()
		if g.chance(0.5) {
			base := doc
			if g.chance(0.4) {
				base = corpus[g.IntN(len(corpus))]
			}
			doc = g.mutate(base, corpus)
		}
		c.compare("document "+strconv.Itoa(first+i), doc)
	}
	c.report()
	if c.accepted*4 < count {
		t.Errorf("only %d of %d documents were accepted: the generator makes too few good ones", c.accepted, count)
	}
}

func envInt(tb testing.TB, name string, def int) int {
	tb.Helper()
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		tb.Fatalf("%s=%q is no number", name, s)
	}
	return n
}

// mutationCorpus is what mutations start from: documents like real ones, and the
// small ones of the shared material where that is at hand.
func mutationCorpus(tb testing.TB) [][]byte {
	tb.Helper()
	corpus := [][]byte{[]byte(small), clinical(1500, 0.1), clinical(3000, 0.5), toUTF16(string(clinical(1500, 0)[38:]), true, true)}
	if shared.Dir() == "" {
		return corpus
	}
	files, _ := filepath.Glob(filepath.Join(shared.Dir(), "samples", "*", "*.xml"))
	for _, f := range files {
		if b := readFile(tb, f); len(b) < 20_000 {
			corpus = append(corpus, b)
		}
	}
	return corpus
}
