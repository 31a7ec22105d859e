package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/fixtures"
	"portti/fixtures/vectors"
	"portti/fixtures/vectors/door"
	"portti/gateway"
	"portti/internal/share"
)

// asConfigured gives the change of a gateway's configuration that flags of the
// command line stand for, and settles its archive as the configuration says.
func asConfigured(t *testing.T, config string, flags []string) func(*gateway.Config) {
	t.Helper()
	m := &Main{}
	cmd, _, err := m.root().Find([]string{"serve"})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(cmd.ParseFlags(flags), m.configure(cmd)); err != nil {
		t.Fatal(err)
	}
	book, err := m.book()
	if err != nil {
		t.Fatal(err)
	}
	until, err := m.config.phase1Until()
	if err != nil {
		t.Fatal(err)
	}
	return func(c *gateway.Config) {
		c.Profile, c.Book, c.PhrasesExact, c.Phase1Until = m.config.profile(), book, m.config.Phrases == "exact", until
		c.AcceptHealth = m.config.AcceptHealth
		if err := vectors.Settle(vectors.DataOf(config), c.Data, fixtures.Default()); err != nil {
			t.Fatal(err)
		}
	}
}

// made is a vector with its message.
type made struct {
	*vectors.Vector
	*fixtures.Message
}

// makeVectors makes all vectors; each must be what its recipe made at first.
func makeVectors(t *testing.T) map[string][]made {
	t.Helper()
	set, err := vectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	set = share.Sample(slices.DeleteFunc(set, func(v vectors.Vector) bool { return v.AtArchive() }), 16)
	w, all := fixtures.Default(), make([]made, len(set))
	var wg sync.WaitGroup
	next := make(chan int)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := range next {
				m, err := vectors.Make(w, &set[i])
				if err != nil {
					t.Error(err)
				}
				all[i] = made{&set[i], m}
			}
		})
	}
	for i := range set {
		next <- i
	}
	close(next)
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	out := map[string][]made{}
	for _, v := range all {
		out[v.Config] = append(out[v.Config], v)
	}
	return out
}

// TestDOC12_META4_EveryVectorThroughEveryDoor: portti validate, the validation API
// and the SOAP door find in each vector what is written down, no more and no less.
func TestDOC12_META4_EveryVectorThroughEveryDoor(t *testing.T) {
	all, trusted := makeVectors(t), writeAnchors(t)
	for config, vs := range all {
		t.Run(config, func(t *testing.T) {
			flags := slices.Clone(vectors.Configs[config])
			if i := slices.Index(flags, "--data"); i >= 0 {
				flags[i+1] = t.TempDir()
				if err := vectors.Settle(vectors.DataOf(config), flags[i+1], fixtures.Default()); err != nil {
					t.Fatal(err)
				}
			}
			d := openDoorsWith(t, trusted, asConfigured(t, config, flags), flags...)
			d.occupy()
			var wg sync.WaitGroup
			wg.Go(func() { d.everyCommand(vs) })
			wg.Go(func() {
				for _, v := range vs {
					d.everySOAP(v)
					d.everyREST(v)
				}
			})
			wg.Wait()
		})
	}
}

// TestREK2_ARK3_LUO2_EveryVectorAtTheArchivesDoor: what only an archive can tell, of
// what it holds and of who sends, is told over SOAP as it is written down, no more and
// no less; what was to be taken before is taken.
func TestREK2_ARK3_LUO2_EveryVectorAtTheArchivesDoor(t *testing.T) {
	set, err := vectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	set = share.Sample(slices.DeleteFunc(set, func(v vectors.Vector) bool { return !v.AtArchive() }), 16)
	w, dir, changes := fixtures.Default(), t.TempDir(), map[string]func(*gateway.Config){}
	if err := os.WriteFile(filepath.Join(dir, vectors.AgreedFile), []byte(vectors.Agreed()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, v := range set {
		if changes[v.Config] == nil {
			changes[v.Config] = asConfigured(t, v.Config, vectors.Flags(v.Config, dir))
		}
	}
	var wg sync.WaitGroup
	next := make(chan *vectors.Vector)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for v := range next {
				atArchive(t, w, v, changes[v.Config])
			}
		})
	}
	for i := range set {
		next <- &set[i]
	}
	close(next)
	wg.Wait()
}

// atArchive holds the door of an archive to one vector.
func atArchive(t *testing.T, w *fixtures.World, v *vectors.Vector, change func(*gateway.Config)) {
	if _, err := vectors.Make(w, v); err != nil {
		t.Error(err)
		return
	}
	a, err := door.Judge(w, v, func(c *gateway.Config) error { change(c); return nil })
	switch {
	case err != nil:
		t.Errorf("%s: %v", v.Name, err)
	case !slices.Equal(a.Lines, v.Expect):
		t.Errorf("%s (%s): the archive's door found\n  %s\nexpected\n  %s", v.Name, v.Comment, strings.Join(a.Lines, "\n  "), strings.Join(v.Expect, "\n  "))
	case v.Rule == "" && !a.Taken():
		t.Errorf("%s is right, and was answered %s", v.Name, a.Code)
	}
}

// occupy archives the samples with a line end more: what comes under their ids
// later is judged to the end and refused, and never answered as the first time.
func (d *doors) occupy() {
	w := fixtures.Default()
	for _, s := range w.Documents {
		other := *s
		other.Bytes = append(slices.Clip(s.Bytes), '\n')
		if got := d.soap(w.Frame(&other)); got.rejected && len(d.args) == 0 {
			d.t.Errorf("%s was not archived: %v", s.Name, got.findings)
		}
	}
}

// everyCommand holds portti validate to the table.
func (d *doors) everyCommand(vs []made) {
	for i, got := range d.commandLines(vs) {
		if !slices.Equal(got, vs[i].Expect) {
			d.t.Errorf("%s (%s): portti validate found\n  %s\nexpected\n  %s", vs[i].Name, vs[i].Comment, strings.Join(got, "\n  "), strings.Join(vs[i].Expect, "\n  "))
		}
	}
}

// commandLines validates all messages by one command line, and gives what was found
// in each as lines of Expect.
func (d *doors) commandLines(vs []made) [][]string {
	args := slices.Concat([]string{"validate", "--format", "json", "--trust", d.anchors}, d.args)
	for _, v := range vs {
		file := filepath.Join(d.dir, v.Name+".xml")
		if err := os.WriteFile(file, v.Frame, 0o600); err != nil {
			d.t.Error(err)
			return nil
		}
		args = append(args, file)
	}
	_, out, stderr := runMain(nil, args...)
	var all [][]string
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r report.Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			d.t.Errorf("%v: %.200s", err, lines.Text())
			return nil
		}
		var got []string
		for _, f := range r.Findings {
			got = append(got, vectors.Line(f.Rule, string(f.Source), f.Line, f.Column, f.XPath))
		}
		all = append(all, vectors.Sorted(got))
	}
	if len(all) != len(vs) {
		d.t.Errorf("portti validate answered for %d of %d files\n%s", len(all), len(vs), stderr)
		return nil
	}
	return all
}

// expected gives a vector's findings as said compares them, without those for
// which leave is true.
func (v *made) expected(p catalogue.Profile, leave func(rule string) bool) []string {
	var s said
	for _, line := range v.Expect {
		rule, place, _ := strings.Cut(line, " ")
		place = strings.TrimSuffix(strings.Replace(" "+place+" ", " 0:0 ", " ", 1), " ")
		if place = strings.TrimSpace(place); place == "-" {
			place = ""
		}
		if !leave(rule) {
			s.add(rule, catalogue.Default().Rule(rule).Severity.In(p), place)
		}
	}
	return s.findings
}

func (d *doors) profile() catalogue.Profile {
	if i := slices.Index(d.args, "--profile"); i >= 0 {
		return catalogue.Profile(d.args[i+1])
	}
	return catalogue.Strict
}

func (d *doors) everySOAP(v made) {
	sent := d.soap(v.Frame)
	if sent.fault {
		if !slices.ContainsFunc(v.Expect, func(e string) bool { return strings.HasPrefix(e, "FRAME-") }) {
			d.t.Errorf("%s: a Fault over SOAP, though the frame is sound", v.Name)
		}
		return
	}
	requireSame(d.t, v.Name, "the table", "SOAP", v.expected(d.profile(), func(string) bool { return false }), sent.findings)
}

// everyREST asks the validation API, which does not read the package: the document
// is handed over beside the frame.
func (d *doors) everyREST(v made) {
	document := v.Document.Bytes
	if !utf8.Valid(document) || v.Form != "" || v.Has("DOC-XML-ENCODING-INVALID") || v.Has("XML-ENCODING-INVALID") {
		return // JSON carries text, in which no encoding is wrong
	}
	packaged := func(rule string) bool {
		return strings.HasPrefix(rule, "MIME-") || strings.HasPrefix(rule, "FRAME-TEXT-") || rule == "PERSON-REAL-ATTACHMENT"
	}
	if slices.ContainsFunc(v.Expect, func(e string) bool {
		return packaged(vectors.RuleOf(e)) && catalogue.Default().Rule(vectors.RuleOf(e)).Severity.In(d.profile()) > 0
	}) {
		return // another document, or none, comes out of the package
	}
	got := d.rest(requestOf(v.Frame), v.Frame, document)
	if d.soapFault(v) {
		got.findings = slices.DeleteFunc(got.findings, func(f string) bool { return !strings.HasPrefix(f, "FRAME-") && !strings.HasPrefix(f, "XSD-") })
	}
	requireSame(d.t, v.Name, "the table", "REST", v.expected(d.profile(), packaged), got.without())
}

// soapFault tells that the frame is so broken that no document belongs to it.
func (d *doors) soapFault(v made) bool {
	return v.Has("FRAME-ROOT-UNKNOWN") || v.Has("FRAME-ID-MISSING")
}

// TestEveryRuleHasVectors: at least three wrong documents for each rule, one of
// them alone for four rules of five, and for each a right one beside.
func TestEveryRuleHasVectors(t *testing.T) {
	set, err := vectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	wrong, alone, rights := map[string]int{}, map[string]bool{}, map[string][]*vectors.Vector{}
	for i := range set {
		v := &set[i]
		if v.Rule == "" {
			rights[v.Beside()] = append(rights[v.Beside()], v)
			continue
		}
		if !v.Has(v.Rule) {
			t.Errorf("%s does not find %s", v.Name, v.Rule)
		}
		wrong[v.Rule]++
		alone[v.Rule] = alone[v.Rule] || v.Alone()
	}
	in, lonely := 0, 0
	var few []string
	for _, id := range catalogue.Default().IDs() {
		if vectors.Elsewhere(id) != "" {
			if wrong[id] > 0 {
				t.Errorf("%s has vectors, and is told to be tested elsewhere", id)
			}
			continue
		}
		in++
		if alone[id] {
			lonely++
		}
		if wrong[id] < 3 {
			few = append(few, fmt.Sprintf("%s %d", id, wrong[id]))
		}
	}
	for i := range set {
		if v := &set[i]; v.Rule != "" && (v.Config == "" || v.AtArchive()) && !slices.ContainsFunc(rights[v.Beside()], func(r *vectors.Vector) bool { return !r.Has(v.Rule) }) {
			t.Errorf("%s: %s is no right document beside it", v.Name, v.Beside())
		}
	}
	if len(set) < 1500 || lonely*100 < 80*in {
		t.Errorf("%d vectors; %d of %d rules stand alone in one", len(set), lonely, in)
	}
	if len(few) > 0 {
		t.Errorf("less than three for %s: give fixtures/vectors/gen mutations that reach them and run go generate ./fixtures/vectors, or name their tests in elsewhere.yaml", strings.Join(few, ", "))
	}
	t.Logf("%d vectors for %d rules, %d of which stand alone in one", len(set), in, lonely)
}
