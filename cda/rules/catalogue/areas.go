package catalogue

import (
	_ "embed"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed tables/areas.yaml
var areasData string

//go:embed tables/requirements.txt
var requirementsData string

// Area is a group of rules: those whose id begins with the area's.
type Area struct {
	ID   string `yaml:"id" json:"id"`
	Name Text   `yaml:"name" json:"name"`
}

// Areas gives the areas in the order of a message's way. The slice must not be
// changed.
var Areas = sync.OnceValue(func() []Area {
	var out []Area
	if err := yaml.Unmarshal([]byte(areasData), &out); err != nil {
		panic(err) // embedded data, which a test loads
	}
	return out
})

// AreaOf gives the area's part of a rule id.
func AreaOf(id string) string {
	area, _, _ := strings.Cut(id, "-")
	return area
}

// InArea gives the rules of an area, sorted by id.
func (c *Catalogue) InArea(area string) []*Rule {
	var out []*Rule
	for _, id := range c.ids {
		if AreaOf(id) == area {
			out = append(out, c.rules[id])
		}
	}
	return out
}

// Requirements lists the ids of the requirements that rules may serve. The slice
// must not be changed.
var Requirements = sync.OnceValue(func() []string { return strings.Fields(requirementsData) })
