package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portti/cda"
	"portti/internal/shared"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
)

// TestMetadataAreThoseOfTheFile reads every sample with another parser, by the
// paths of data/fields.yaml, and compares each value with the model's.
func TestMetadataAreThoseOfTheFile(t *testing.T) {
	files := sampleDocuments(t)
	for _, path := range files {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d, fs := cda.Read(parse(t, src))
		if len(fs) > 0 {
			t.Errorf("%s: %v", filepath.Base(path), fs)
		}
		doc := etree.NewDocument()
		if err := doc.ReadFromBytes(src); err != nil {
			t.Fatal(err)
		}
		for _, f := range DefaultBook().Fields() {
			if f.RepeatedOnly || f.Kind == "group" {
				continue
			}
			if diff := cmp.Diff(oracle(doc.Root(), f), fromModel(d, f)); diff != "" {
				t.Errorf("%s: %s: %s", filepath.Base(path), f.ID, diff)
			}
		}
	}
}

// sampleDocuments gives all CDA documents of the shared material.
func sampleDocuments(t *testing.T) []string {
	t.Helper()
	files := []string{shared.Path(t, "samples/frames/RCMR_IN100002FI01_embedded_cda.xml")}
	for _, pattern := range []string{"social/*_S_*.xml", "kela/*.xml"} {
		found, err := filepath.Glob(filepath.Join(shared.Path(t, "samples"), filepath.FromSlash(pattern)))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	if len(files) < 15 {
		t.Fatalf("only %d samples", len(files))
	}
	return files
}

// oracle walks a field's path by namespace and local name.
func oracle(root *etree.Element, f *Field) []string {
	at := []*etree.Element{root}
	space := cda.NamespaceHL7
	if f.Local {
		at = append(elements(root, cda.NamespaceFinland, "localSocialHeader"), elements(root, cda.NamespaceFinland, "localHeader")...)
		space = cda.NamespaceFinland
	}
	steps := strings.Split(f.Path, "/")
	for i, step := range steps {
		var next []*etree.Element
		for _, e := range at {
			found := elements(e, space, step)
			if i == len(steps)-1 && singular(f) && len(found) > 1 {
				found = found[:1] // the model's first id; the others are MoreIDs
			}
			next = append(next, found...)
		}
		at = next
	}
	var out []string
	for _, e := range at {
		out = append(out, shownElement(e, f))
	}
	return out
}

func singular(f *Field) bool { return f.Kind == "person" || f.Kind == "organisation" }

func elements(e *etree.Element, space, local string) []*etree.Element {
	var out []*etree.Element
	for _, c := range e.ChildElements() {
		if c.Tag == local && c.NamespaceURI() == space {
			out = append(out, c)
		}
	}
	return out
}

func shownElement(e *etree.Element, f *Field) string {
	attr := func(name string) string { return e.SelectAttrValue(name, "") }
	switch f.Kind {
	case "code", "cs":
		return fmt.Sprint(attr("code"), "|", attr("codeSystem"), "|", attr("nullFlavor"))
	case "time", "number":
		return fmt.Sprint(attr("value"), "|", attr("nullFlavor"))
	case "oid", "person", "organisation":
		return fmt.Sprint(attr("root"), "|", attr("extension"), "|", attr("nullFlavor"))
	case "text":
		if f.ID == "TYPEID" {
			return fmt.Sprint(attr("root"), "|", attr("extension"))
		}
		return strings.TrimSpace(allText(e))
	case "software":
		return fmt.Sprint(attr("moderator"), "|", attr("product"), "|", attr("version"))
	case "name":
		var parts []string
		for _, c := range e.ChildElements() {
			tag := c.Tag
			if tag == "given" {
				tag += c.SelectAttrValue("qualifier", "")
			}
			parts = append(parts, tag+"="+strings.TrimSpace(allText(c)))
		}
		slices.Sort(parts)
		return strings.Join(parts, "|")
	}
	return "?"
}

func allText(e *etree.Element) string {
	var b strings.Builder
	for _, c := range e.Child {
		switch c := c.(type) {
		case *etree.CharData:
			b.WriteString(c.Data)
		case *etree.Element:
			b.WriteString(allText(c))
		}
	}
	return b.String()
}

// fromModel shows the model's occurrences of a field in the same form.
func fromModel(d *cda.Document, f *Field) []string {
	var out []string
	reach[f.ID](d, func(v value) {
		if v.node <= 0 {
			return
		}
		switch {
		case f.ID == "TYPEID":
			out = append(out, v.id.Root+"|"+v.id.Extension)
		case v.coded != nil:
			out = append(out, v.coded.Code+"|"+v.coded.System+"|"+v.null)
		case v.id != nil:
			out = append(out, v.id.Root+"|"+v.id.Extension+"|"+v.null)
		case v.time != nil:
			out = append(out, v.time.Raw+"|"+v.null)
		case v.number != nil:
			out = append(out, v.number.Raw+"|"+v.null)
		case f.Kind == "software":
			s := d.Local.Software
			out = append(out, s.Moderator+"|"+s.Product+"|"+s.Version)
		case f.Kind == "name":
			out = append(out, shownName(nameAt(d, f, v)))
		default:
			out = append(out, strings.TrimSpace(d.Tree.Text(v.node)))
		}
	})
	return out
}

func nameAt(d *cda.Document, f *Field, v value) cda.Name {
	switch f.ID {
	case "CLIENT-NAME":
		return d.Clients[v.client].Name
	case "SIGNER-NAME":
		return d.Local.Signatures[v.signature].Name
	}
	for _, a := range d.Authors {
		if a.Name.Node == v.node {
			return a.Name
		}
	}
	return cda.Name{}
}

func shownName(n cda.Name) string {
	var parts []string
	add := func(tag string, values ...string) {
		for _, v := range values {
			if v != "" {
				parts = append(parts, tag+"="+v)
			}
		}
	}
	add("family", n.Family...)
	add("given", n.Given...)
	add("givenCL", n.CallName)
	add("prefix", n.Prefixes...)
	add("suffix", n.Suffix...)
	slices.Sort(parts)
	return strings.Join(parts, "|")
}
