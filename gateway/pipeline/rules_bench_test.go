package pipeline

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/internal/xmltree"
	"portti/xmldsig"
	"portti/xmldsig/trust"
)

// BenchmarkRules is what judging costs beside parsing, schema and signature: reading
// the header, decoding the body, XHTML, JSON by its structure, codes, cross-checks.
func BenchmarkRules(b *testing.B) {
	w := fixtures.Default()
	s := w.Spec(fixtures.Plan)
	s.Text = strings.Repeat("Keksitty lause, joka tekee asiakirjasta suuremman. ", 30)
	d, err := w.Build(s)
	if err != nil {
		b.Fatal(err)
	}
	tree, err := xmltree.Parse(d.Bytes, xmltree.DefaultLimits())
	if err != nil {
		b.Fatal(err)
	}
	ft, err := xmltree.Parse(w.Frame(d), xmltree.Limits{Bytes: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	f, _ := frame.Read(ft, ft.Root(), catalogue.Strict)
	b.SetBytes(int64(len(d.Bytes)))
	b.ReportAllocs()
	used := processor(b)
	for b.Loop() {
		doc, _ := cda.Read(tree)
		body, _ := doc.JudgeBody()
		if fs := rules.Check(rules.Input{Frame: f, Doc: doc, Body: body, Now: w.Now}); len(fs) > 0 {
			b.Fatal(fs)
		}
	}
	b.ReportMetric(float64((processor(b)-used).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(len(d.Bytes))/1000, "KB")
}

// processor gives the processor time used so far, which other work on the machine
// does not make longer.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkThousandFaults holds documents of a thousand faults against the same
// without, over the whole engine: "times" is the median of how much longer it takes.
// The goal is at most 2 for every kind of fault.
func BenchmarkThousandFaults(b *testing.B) {
	w := fixtures.Default()
	anchors, err := trust.New(trust.Options{AnchorCertificates: w.Authority.Certificates()})
	if err != nil {
		b.Fatal(err)
	}
	j := &Judge{Profile: catalogue.Strict, World: Test, Frames: frame.Reader{Profile: catalogue.Strict},
		Verifier: &xmldsig.Verifier{Trust: anchors, Now: func() time.Time { return w.Now }}}
	for _, c := range faulty() {
		b.Run(c.name, func(b *testing.B) {
			clean, bad := c.make(b, w, false), c.make(b, w, true)
			var ratios []float64
			n := 0
			judge := func(doc []byte) time.Duration {
				start := processor(b)
				for range 5 {
					n = len(j.Document(Input{Document: doc, Arrived: w.Now}).Findings)
				}
				return processor(b) - start
			}
			for b.Loop() {
				one := judge(clean)
				ratios = append(ratios, float64(judge(bad))/float64(one))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "times")
			b.ReportMetric(float64(n), "findings")
		})
	}
}

// faultyKind makes a document with or without a thousand faults.
type faultyKind struct {
	name string
	make func(b *testing.B, w *fixtures.World, bad bool) []byte
}

func faulty() []faultyKind {
	const person = `{ "sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": { "system": "urn:oid:1.2.246.21", "value": "010181-900C" }, "asiaan_liittymishetki": "2025-10-02T12:00:00+03:00" }, `
	const id = `<informant><assignedEntity><id root="1.2.246.10.99999901.10.0"/></assignedEntity></informant>`
	return []faultyKind{
		{"JSON", func(b *testing.B, w *fixtures.World, bad bool) []byte {
			one := person
			if bad {
				one = strings.NewReplacer(`"Testi"`, `""`, "12:00:00+03:00", "12:00", `"sukunimi"`, `"sukunimix"`).Replace(person)
			}
			return edited(b, w, "case-shared", fixtures.Edit{In: fixtures.InJSON, Old: `"asiakas": [`, New: `"asiakas": [{fill}`, Fill: one, Times: 250})
		}},
		header("OID", id, `root="1`, `root="x1`),
		header("attribute unknown", id, `<id `, `<id xx="1" `),
		header("attribute missing", `<informant><relatedEntity classCode="PRS"/></informant>`, ` classCode="PRS"`, ``),
		header("value of a list", `<informant><assignedEntity><id nullFlavor="UNK"/></assignedEntity></informant>`, `UNK`, `UNX`),
		header("value fixed", `<informant typeCode="INF"><assignedEntity><id nullFlavor="NI"/></assignedEntity></informant>`, `INF`, `INX`),
		header("element unknown", id, `<id `, `<x/><id `),
		header("element missing", id, `<id root="1.2.246.10.99999901.10.0"/>`, ``),
		header("text", id, `<id `, `text<id `),
		headers("of seven kinds", strings.Repeat(id, 7), strings.Repeat(id, 7), strings.Join([]string{
			strings.Replace(id, `root="1`, `root="x1`, 1), strings.Replace(id, `<id `, `<id xx="1" `, 1),
			strings.Replace(id, `<id root="1.2.246.10.99999901.10.0"/>`, ``, 1), strings.Replace(id, `<id `, `<x/><id `, 1),
			strings.Replace(id, `<id `, `text<id `, 1), strings.Replace(id, `<id `, `<id nullFlavor="UNX" `, 1),
			strings.Replace(id, `<informant`, `<informant typeCode="INX"`, 1)}, ""), 143),
		{"XHTML", func(b *testing.B, w *fixtures.World, bad bool) []byte {
			one := `<p class="soc-content">x</p>`
			if bad {
				one = `<p class="soc-content" onclick="x">x</p>`
			}
			return edited(b, w, "phase2-xhtml", fixtures.Edit{In: fixtures.InXHTML, Old: `<div class="soc-main-wrapper">`, New: `<div class="soc-main-wrapper">{fill}`, Fill: one, Times: 1000})
		}},
	}
}

// header makes a header with a thousand of one part, in each of them a fault of the
// schema: old stands as new.
func header(name, one, old, new string) faultyKind { return headers(name, one, old, new, 1000) }

// headers makes a header with n of one part.
func headers(name, one, old, new string, n int) faultyKind {
	return faultyKind{"XSD: " + name, func(b *testing.B, w *fixtures.World, bad bool) []byte {
		fill := one
		if bad {
			fill = strings.Replace(one, old, new, 1)
		}
		return edited(b, w, "plan", fixtures.Edit{In: fixtures.InDocument, Old: "<!-- Rekisterinpitäjä -->", New: "{fill}", Fill: fill, Times: n})
	}}
}

func edited(b *testing.B, w *fixtures.World, base string, e fixtures.Edit) []byte {
	b.Helper()
	m, err := w.Message(fixtures.Recipe{Base: base, Edits: []fixtures.Edit{e}})
	if err != nil {
		b.Fatal(err)
	}
	if bytes.Contains(m.Document.Bytes, []byte("{fill}")) {
		b.Fatal(fmt.Errorf("nothing was filled in"))
	}
	return m.Document.Bytes
}
