package sosmeta

import (
	"bytes"
	"slices"
	"strings"
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

// BenchmarkThousandFaults holds a document of a thousand faults against the same
// without: "times" is how much longer it takes.
func BenchmarkThousandFaults(b *testing.B) {
	st, _ := Default().Lookup("1.2.246.537.6.1505.2.2022.6.28")
	person := `{"sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": {"value": "010181-900C"}, "asiaan_liittymishetki": "2025-01-01T10:00:00Z"},`
	clean := strings.Replace(base, `"asiakas": [`, `"asiakas": [`+strings.Repeat(person, 333), 1)
	clean = strings.Replace(clean, `"avauspaiva"`, `"yhteinen_asia": true, "avauspaiva"`, 1)
	bad := strings.NewReplacer("10:00:00Z", "10:00", `"Testi"`, `""`, `"sukunimi": "T`, `"sukunimix": "T`).Replace(clean)
	var ratios []float64
	n := 0
	for b.Loop() {
		start := time.Now()
		st.Validate([]byte(clean), Options{})
		one := time.Since(start)
		start = time.Now()
		n = len(st.Validate([]byte(bad), Options{}).Findings)
		ratios = append(ratios, float64(time.Since(start))/float64(one))
	}
	b.ReportMetric(median(ratios), "times")
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

// BenchmarkRatio gives medians of interleaved pairs: how many times longer a JSON
// Schema validator takes to decode and validate, over one document of each of the
// 202 structures; "with-facts" where ours collects facts besides.
func BenchmarkRatio(b *testing.B) {
	js := judges(b)
	phrases, err := Phrases(shared.Path(b, "schemas/sosmeta"))
	if err != nil {
		b.Fatal(err)
	}
	list := Default().List()
	for _, m := range []struct {
		name string
		mode Mode
	}{{"minimal", Minimal}, {"full", Full}, {"random", Random}} {
		b.Run(m.name, func(b *testing.B) {
			var docs [][]byte
			for _, st := range list {
				g, err := st.Generate(GenerateOptions{Mode: m.mode, Seed: 3, Phrases: phrases})
				if err != nil {
					b.Fatal(err)
				}
				docs = append(docs, g.JSON)
			}
			own := func(o Options) float64 {
				start := time.Now()
				for i, src := range docs {
					list[i].Validate(src, o)
				}
				return float64(time.Since(start))
			}
			var plain, facts []float64
			for b.Loop() {
				p, f := own(Options{PhrasesExact: true}), own(Options{PhrasesExact: true, Facts: true})
				theirs := validateAll(b, js, list, docs)
				plain, facts = append(plain, theirs/p), append(facts, theirs/f)
			}
			b.ReportMetric(median(plain), "times")
			b.ReportMetric(median(facts), "times-with-facts")
		})
	}
}

func validateAll(b *testing.B, js map[string]*jsonschema.Schema, list []*Structure, docs [][]byte) float64 {
	start := time.Now()
	for i, src := range docs {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(src))
		if err == nil {
			err = js[list[i].OID].Validate(v)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return float64(time.Since(start))
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

func BenchmarkLoadTable(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Embedded(); err != nil {
			b.Fatal(err)
		}
	}
}
