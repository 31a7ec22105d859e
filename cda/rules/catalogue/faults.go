package catalogue

import (
	_ "embed"
	"slices"
	"sync"

	"portti/internal/finding"

	"go.yaml.in/yaml/v3"
)

//go:embed tables/faults.yaml
var faultsData string

// faults are the words of the parameter "fault", by the word that packages use.
var faults = sync.OnceValue(func() map[string]Text {
	out := map[string]Text{}
	if err := yaml.Unmarshal([]byte(faultsData), &out); err != nil {
		panic(err) // embedded data, which a test loads
	}
	return out
})

// inWords gives parameters as a language says them. A fault that has no words in the
// table stands as it is.
func inWords(params []finding.Param, lang Lang) []finding.Param {
	i := slices.IndexFunc(params, func(p finding.Param) bool { return p.Name == "fault" })
	if i < 0 {
		return params
	}
	text, ok := faults()[params[i].Value]
	if !ok {
		return params
	}
	out := slices.Clone(params)
	out[i].Value = text.In(lang)
	return out
}
