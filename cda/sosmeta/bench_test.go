package sosmeta

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"portti/internal/shared"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// sample makes a typical document: the client plan of families with children.
func sample(tb testing.TB, mode Mode) (*Structure, []byte) {
	tb.Helper()
	st, ok := Default().Lookup("1.2.246.537.6.1506.15007.2024.11.28")
	if !ok {
		tb.Fatal("no structure")
	}
	g, err := st.Generate(GenerateOptions{Mode: mode, Seed: 7})
	if err != nil {
		tb.Fatal(err)
	}
	return st, g.JSON
}

func BenchmarkValidate(b *testing.B) {
	st, src := sample(b, Full)
	for _, c := range []struct {
		name string
		o    Options
	}{{"plain", Options{}}, {"facts", Options{Facts: true}}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if r := st.Validate(src, c.o); len(r.Findings) > 0 {
					b.Fatal(r.Findings)
				}
			}
		})
	}
}

func BenchmarkValidateFaults(b *testing.B) {
	st, src := sample(b, Full)
	bad := bytes.ReplaceAll(src, []byte(`"`), []byte(`"`))
	bad = bytes.ReplaceAll(bad, []byte(`":"`), []byte(`x":"`))
	b.SetBytes(int64(len(bad)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = len(st.Validate(bad, Options{}).Findings)
	}
	b.ReportMetric(float64(n), "findings")
}

func BenchmarkJSONSchema(b *testing.B) {
	js := judges(b)
	st, src := sample(b, Full)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err != nil {
			b.Fatal(err)
		}
		if err := js[st.OID].Validate(v); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRatio gives the median of interleaved pairs: how many times longer a
// JSON Schema validator takes to decode and validate, over all structures.
func BenchmarkRatio(b *testing.B) {
	js := judges(b)
	phrases, err := Phrases(shared.Path(b, "schemas/sosmeta"))
	if err != nil {
		b.Fatal(err)
	}
	var docs [][]byte
	list := Default().List()
	for _, st := range list {
		g, err := st.Generate(GenerateOptions{Mode: Random, Seed: 3, Phrases: phrases})
		if err != nil {
			b.Fatal(err)
		}
		docs = append(docs, g.JSON)
		st.Validate(g.JSON, Options{})
	}
	var ratios []float64
	for b.Loop() {
		start := time.Now()
		for i, src := range docs {
			list[i].Validate(src, Options{PhrasesExact: true, Facts: true})
		}
		own := time.Since(start)
		start = time.Now()
		for i, src := range docs {
			v, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
			if err == nil {
				err = js[list[i].OID].Validate(v)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		ratios = append(ratios, float64(time.Since(start))/float64(own))
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "times")
}

func BenchmarkLoadTable(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Embedded(); err != nil {
			b.Fatal(err)
		}
	}
}
