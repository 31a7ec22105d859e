package catalogue_test

import (
	"strings"
	"testing"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// TestFaultsAreToldInEveryLanguage: what packages name a fault has words in Finnish,
// Swedish and English.
func TestFaultsAreToldInEveryLanguage(t *testing.T) {
	var words []string
	for f := cda.OIDFault(1); f <= cda.OIDLong; f++ {
		words = append(words, f.String())
	}
	for f := cda.TSEmpty; f <= cda.TSOffset; f++ {
		words = append(words, f.String())
	}
	for f := cda.HetuLength; f <= cda.HetuCheck; f++ {
		words = append(words, f.String())
	}
	for _, w := range append(words, "length", "padding", "trailing bits") {
		f := finding.Finding{Rule: "META-UNIT-OID", Params: []finding.Param{finding.P("fault", w)}}
		said := map[string]bool{}
		for _, lang := range catalogue.Langs {
			m := catalogue.Default().Resolve(f, catalogue.Strict, lang).Message
			if lang == catalogue.Finnish && strings.Contains(m, "("+w+")") {
				t.Errorf("%q is not told in Finnish: %s", w, m)
			}
			said[m] = true
		}
		if len(said) != len(catalogue.Langs) {
			t.Errorf("%q is told the same in two languages: %v", w, said)
		}
	}
}
