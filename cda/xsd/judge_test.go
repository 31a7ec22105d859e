package xsd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"portti/internal/judge"
	"portti/internal/shared"
	"portti/internal/xmltree"
)

// xmllint gives libxml2's own verdict on many documents by one schema file: true
// where valid. It parses, builds its own tree and walks that.
func xmllint(tb testing.TB, schema string, docs [][]byte) []bool {
	tb.Helper()
	program := judge.Need(tb, "xmllint")
	dir := tb.TempDir()
	args := []string{"--nonet", "--noout", "--schema", schema}
	names := make([]string, len(docs))
	number := make(map[string]int, len(docs))
	for i, d := range docs {
		names[i] = filepath.Join(dir, fmt.Sprintf("%d.xml", i))
		number[names[i]] = i
		if err := os.WriteFile(names[i], d, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	verdicts := make([]bool, len(docs))
	for i := range slices.Chunk(names, 500) {
		out, err := exec.Command(program, append(slices.Clone(args), i...)...).CombinedOutput()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			tb.Fatal(err)
		}
		if bytes.Contains(out, []byte("failed to compile")) {
			tb.Fatalf("xmllint does not compile %s: %.500s", schema, out)
		}
		told := 0
		for line := range strings.Lines(string(out)) {
			line = strings.TrimSpace(line)
			if name, ok := strings.CutSuffix(line, " validates"); ok {
				verdicts[number[name]] = true
				told++
			} else if strings.HasSuffix(line, " fails to validate") {
				told++
			}
		}
		if told != len(i) {
			tb.Fatalf("xmllint told of %d of %d documents: %.500s", told, len(i), out)
		}
	}
	return verdicts
}

// exported writes our schema files where xmllint can read them.
func exported(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	files, err := fs.Glob(Files(), "*.xsd")
	if err != nil || len(files) == 0 {
		tb.Fatal("no schemas: ", err)
	}
	for _, f := range files {
		b, err := fs.ReadFile(Files(), f)
		if err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), b, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return dir
}

// seeds are documents to mutate: ours, and the real ones where they are at hand.
func seeds(tb testing.TB, ours []string, theirs ...string) [][]byte {
	tb.Helper()
	var all [][]byte
	for _, name := range ours {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b)
	}
	if shared.Dir() == "" {
		return all
	}
	for _, pattern := range theirs {
		files, err := filepath.Glob(filepath.Join(shared.Dir(), pattern))
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, b)
		}
	}
	return all
}

// mutants makes n documents out of seeds, deterministically; PORTTI_MUTANTS=10 makes
// ten times as many.
func mutants(tb testing.TB, seed uint64, n int, from [][]byte) [][]byte {
	if times, err := strconv.Atoi(os.Getenv("PORTTI_MUTANTS")); err == nil {
		n *= times
	}
	m := newMutator(seed)
	var all [][]byte
	for len(all) < n {
		if d := m.mutate(tb, from[m.IntN(len(from))]); d != nil {
			all = append(all, d)
		}
	}
	return all
}

// check gives our verdict. Findings about identifiers alone are ours: libxml2's tree
// walk asks them of attributes that the schema calls identifiers, we of all by name.
func check(tb testing.TB, s *Schema, doc []byte) (valid, onlyIDs bool) {
	tb.Helper()
	t, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	findings, err := s.Validate(t, t.Root())
	if err != nil {
		tb.Fatal(err)
	}
	onlyIDs = len(findings) > 0
	for _, f := range findings {
		onlyIDs = onlyIDs && (f.Rule == RuleIDDuplicate || f.Rule == RuleIDRefTarget)
	}
	return len(findings) == 0, onlyIDs
}

// Our verdict over events equals that of libxml2 over its own tree, by the same
// schemas.
func TestVerdictEqualsXmllint(t *testing.T) {
	dir := exported(t)
	documents := seeds(t, []string{"document.xml", "full.xml"}, "samples/social/*_S_*.xml", "samples/kela/*.xml", "samples/frames/*_cda.xml")
	messages := seeds(t, []string{"frame.xml", "ack.xml", "continuation.xml", "query.xml", "response.xml"}, "samples/social/*_K_*.xml", "samples/frames/*FI01.xml")
	soap := [][]byte{
		[]byte(`<e:Envelope xmlns:e="` + SpaceSOAP11 + `" e:encodingStyle="x"><e:Header><a xmlns="urn:a" e:mustUnderstand="1"/></e:Header><e:Body xml:lang="fi"><b><c/></b></e:Body><d xmlns="urn:d"/></e:Envelope>`),
		[]byte(`<e:Envelope xmlns:e="` + SpaceSOAP12 + `"><e:Header><a xmlns="urn:a"/></e:Header><e:Body><b xmlns="urn:b"/></e:Body></e:Envelope>`),
	}
	any := func(profile string) *Schema {
		s := message(profile, Frame(profile).Roots()...)
		for _, more := range []*Schema{Acknowledgement(profile), Query(profile), Response(profile)} {
			s = s.WithRoots(more.Roots()...)
		}
		return s
	}
	for _, c := range []struct {
		file   string
		schema *Schema
		seeds  [][]byte
		n      int
	}{
		{"document-strict.xsd", Document(Strict), documents, 200},
		{"document-lenient.xsd", Document(Lenient), documents, 200},
		{"message-strict.xsd", any(Strict), messages, 120},
		{"message-lenient.xsd", any(Lenient), messages, 120},
		{"soap11.xsd", Envelope("1.1"), soap[:1], 40},
		{"soap12.xsd", Envelope("1.2"), soap[1:], 40},
	} {
		t.Run(c.file, func(t *testing.T) {
			docs := append(slices.Clone(c.seeds), mutants(t, 7, c.n, c.seeds)...)
			verdicts := xmllint(t, filepath.Join(dir, c.file), docs)
			valid := 0
			for i, d := range docs {
				ours, onlyIDs := check(t, c.schema, d)
				if ours != verdicts[i] && !onlyIDs {
					t.Errorf("ours %v, xmllint %v:\n%s", ours, verdicts[i], clip(d))
				}
				if ours {
					valid++
				}
			}
			if valid < c.n/20 || len(docs)-valid < c.n/20 {
				t.Errorf("%d of %d are valid: the mutations no longer try both sides", valid, len(docs))
			}
		})
	}
}

// clip leaves out the long values of a document for a message.
func clip(d []byte) string {
	var out strings.Builder
	for line := range strings.Lines(string(d)) {
		out.WriteString(line[:min(len(line), 300)])
	}
	return out.String()[:min(out.Len(), 20_000)]
}

// withoutFinland takes the parts of urn:hl7finland out of a document, as the Finnish
// CDA R2 schema does not know those of social welfare.
func withoutFinland(tb testing.TB, doc []byte) []byte {
	tb.Helper()
	t, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	var out []byte
	at := 0
	for n := t.Root(); n < t.End(t.Root()); {
		if t.Kind(n) == xmltree.Element && t.Space(n) == SpaceFI {
			from, to := t.Range(n)
			out = append(out, doc[at:from]...)
			at, n = to, t.End(n)
			continue
		}
		n++
	}
	return append(out, doc[at:]...)
}

// What the strict document schema takes, the Finnish CDA R2 schema takes too once
// the parts of urn:hl7finland are out.
func TestStrictDocumentsAreFinnishCDA(t *testing.T) {
	schema := shared.Path(t, "schemas/cda-fi/CDA_Fi.xsd")
	from := seeds(t, []string{"document.xml", "full.xml"}, "samples/social/*_S_*.xml")
	s := Document(Strict)
	var taken [][]byte
	for _, d := range append(slices.Clone(from), mutants(t, 11, 1000, from)...) {
		if valid, _ := check(t, s, d); valid {
			taken = append(taken, withoutFinland(t, d))
		}
	}
	if len(taken) < 150 {
		t.Fatalf("only %d variants are valid", len(taken))
	}
	for i, ok := range xmllint(t, schema, taken) {
		if !ok {
			t.Errorf("the Finnish schema refuses what we take:\n%s", clip(taken[i]))
		}
	}
}

// Acknowledgements with the code as a child, and continuations, are also valid by
// HL7's own schemas; so is the wrapper of a frame around another control act.
func TestMessagesAreHL7(t *testing.T) {
	for _, c := range []struct {
		file   string
		schema *Schema
		seeds  [][]byte
	}{
		{"MCCI_IN000002UV01.xsd", Acknowledgement(Strict), seeds(t, []string{"ack.xml"})},
		{"QUQI_IN000003UV01.xsd", Query(Strict), append(seeds(t, []string{"continuation.xml"}), wrapped(t))},
	} {
		t.Run(c.file, func(t *testing.T) {
			schema := shared.Path(t, "schemas/hl7v3/multicacheschemas/"+c.file)
			var taken [][]byte
			for _, d := range append(slices.Clone(c.seeds), mutants(t, 13, 700, c.seeds)...) {
				if valid, _ := check(t, c.schema, d); valid && complete(t, d) {
					taken = append(taken, d)
				}
			}
			if len(taken) < 40 {
				t.Fatalf("only %d variants are valid", len(taken))
			}
			for i, ok := range xmllint(t, schema, taken) {
				if !ok {
					t.Errorf("HL7's schema refuses what we take:\n%s", clip(taken[i]))
				}
			}
		})
	}
}

// complete tells that a message has what the schemas of HL7 demand and Finnish
// messages leave out: class and type codes, and the code of an acknowledgement as a
// child.
func complete(tb testing.TB, doc []byte) bool {
	tb.Helper()
	t, err := xmltree.Parse(doc, xmltree.Limits{})
	if err != nil {
		tb.Fatal(err)
	}
	needs := map[string][]string{
		"receiver": {"typeCode"}, "sender": {"typeCode"}, "device": {"classCode", "determinerCode"},
		"controlActProcess": {"classCode", "moodCode"},
	}
	for n := t.Root(); n < t.End(t.Root()); n++ {
		for _, a := range needs[t.Local(n)] {
			if t.Attr(n, a) == "" {
				return false
			}
		}
		if t.Local(n) == "acknowledgement" && (t.Attr(n, "typeCode") != "" || t.Child(n, SpaceV3, "typeCode") < 0) {
			return false
		}
	}
	return true
}

// wrapped gives the wrapper of our frame around the control act of a continuation,
// for HL7's schemas know no Finnish interaction.
func wrapped(tb testing.TB) []byte {
	tb.Helper()
	all := seeds(tb, []string{"frame.xml", "continuation.xml"})
	frame, next := string(all[0]), string(all[1])
	act := func(s string) (from, to int) {
		const end = "</controlActProcess>"
		return strings.Index(s, "<controlActProcess"), strings.Index(s, end) + len(end)
	}
	f1, t1 := act(frame)
	f2, t2 := act(next)
	return []byte(strings.ReplaceAll(frame[:f1]+next[f2:t2]+frame[t1:], "RCMR_IN200002FI01", "QUQI_IN000003UV01"))
}
