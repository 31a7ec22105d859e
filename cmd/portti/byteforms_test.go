package main

import (
	"slices"
	"strings"
	"testing"

	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/fixtures/vectors"
	"portti/internal/share"
)

// rightDocuments are the right documents of the strict profile.
func rightDocuments(t *testing.T) []vectors.Vector {
	t.Helper()
	set, err := vectors.Load()
	if err != nil {
		t.Fatal(err)
	}
	set = slices.DeleteFunc(set, func(v vectors.Vector) bool { return v.Rule != "" || v.Config != "" })
	if len(set) < 30 {
		t.Fatalf("only %d right documents", len(set))
	}
	return share.Sample(set, 8)
}

// rulesIn gives the rules of lines of Expect, without those that keep is false for.
func rulesIn(lines []string, keep func(rule string) bool) []string {
	var out []string
	for _, l := range lines {
		if r := vectors.RuleOf(l); keep(r) {
			out = append(out, r)
		}
	}
	slices.Sort(out)
	return out
}

func everything(string) bool { return true }

// validated gives what portti validate finds in messages, one after another.
func validated(t *testing.T, anchors string, vs []made) [][]string {
	t.Helper()
	d := &doors{t: t, dir: t.TempDir(), anchors: anchors}
	return d.commandLines(vs)
}

// TestByteFormsChangeNoVerdict: the same signed document in other octets is found to
// be the same: BOM, line ends, UTF-16, Latin 1, its declaration.
func TestByteFormsChangeNoVerdict(t *testing.T) {
	w, anchors := fixtures.Default(), writeAnchors(t)
	var vs []made
	for _, v := range rightDocuments(t) {
		for _, form := range fixtures.ByteForms {
			c := v
			c.Form, c.Name = form, v.Name+"-"+string(form)
			m, err := w.Message(c.Recipe)
			if err != nil {
				t.Fatal(err)
			}
			vs = append(vs, made{&c, m})
		}
	}
	for i, got := range validated(t, anchors, vs) {
		if want := rulesIn(vs[i].Expect, everything); !slices.Equal(rulesIn(got, everything), want) {
			t.Errorf("%s: %v, want %v", vs[i].Name, got, want)
		}
	}
}

// TestStylesChangeNoFindings: documents made with line breaks, without comments and
// with other prefixes, signed so, are found to be the same; re-indented or minified
// after signing they differ in what is said of the signature alone.
func TestStylesChangeNoFindings(t *testing.T) {
	w, anchors := fixtures.Default(), writeAnchors(t)
	unsigned := func(rule string) bool {
		area := catalogue.AreaOf(rule)
		return area != "SIG" && area != "TRUST"
	}
	styles := map[string]fixtures.Style{"minified": {}, "pretty": {Pretty: true, Comments: true}, "no prefix": {Prefix: fixtures.NoPrefix}, "other prefixes": {Prefix: "hl7fi", HL7: "v3", Pretty: true}}
	var vs []made
	var keep []func(string) bool
	for _, v := range rightDocuments(t) {
		d := w.Doc(v.Base)
		add := func(how string, m *fixtures.Message, k func(string) bool) {
			c := v
			c.Name += "-" + strings.ReplaceAll(how, " ", "-")
			vs, keep = append(vs, made{&c, m}), append(keep, k)
		}
		for how, style := range styles {
			s := d.Spec
			s.Style, s.OID = style, d.OID
			m, err := w.Build(s)
			if err != nil {
				t.Fatal(err)
			}
			add(how, &fixtures.Message{Document: m, Frame: w.Frame(m)}, everything)
		}
		indented := *d
		indented.Bytes = []byte(strings.ReplaceAll(string(d.Bytes), "><", ">\n<"))
		add("indented after signing", &fixtures.Message{Document: &indented, Frame: w.Frame(&indented)}, unsigned)
	}
	for i, got := range validated(t, anchors, vs) {
		if want := rulesIn(vs[i].Expect, keep[i]); !slices.Equal(rulesIn(got, keep[i]), want) {
			t.Errorf("%s: %v, want %v", vs[i].Name, got, want)
		}
	}
}
