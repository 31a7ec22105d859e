package cases

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"portti/cda/rules/catalogue"

	"go.yaml.in/yaml/v3"
)

// Version is the version of the set as a whole.
const Version = "1.2.0"

//go:embed data/*.yaml
var dataFS embed.FS

// Set is all cases with their words.
type Set struct {
	Cases []*Case
	// Digest is the SHA-256 of the files, in hexadecimal.
	Digest string
	byID   map[string]*Case
	words  words
}

// words are texts by category and key.
type words map[string]map[string]Text

// Word gives the text of a key, or nil.
func (s *Set) Word(category, key string) Text { return s.words[category][key] }

// Case gives a case by its id, or nil.
func (s *Set) Case(id string) *Case { return s.byID[id] }

// Default gives the embedded set; it panics if the embedded data are broken,
// which a test excludes.
var Default = sync.OnceValue(func() *Set {
	s, err := Load()
	if err != nil {
		panic(err)
	}
	return s
})

// Load reads the embedded set.
func Load() (*Set, error) { return load(dataFS) }

func load(files fs.FS) (*Set, error) {
	names, err := fs.Glob(files, "data/*.yaml")
	if err != nil {
		return nil, err
	}
	s := &Set{byID: map[string]*Case{}}
	sum := sha256.New()
	for _, n := range names {
		b, err := fs.ReadFile(files, n)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(sum, "%s %d\n", n, len(b))
		sum.Write(b)
		if path.Base(n) == "words.yaml" {
			if err := strict(b, &s.words); err != nil {
				return nil, fmt.Errorf("cases: %s: %w", n, err)
			}
		}
	}
	s.Digest = hex.EncodeToString(sum.Sum(nil))
	for _, n := range names {
		if path.Base(n) == "words.yaml" {
			continue
		}
		b, _ := fs.ReadFile(files, n)
		if err := s.file(strings.TrimSuffix(path.Base(n), ".yaml"), b); err != nil {
			return nil, fmt.Errorf("cases: %s: %w", n, err)
		}
	}
	return s, nil
}

func strict(b []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	return d.Decode(into)
}

// area is the form of a file: defaults for its cases, then the cases, of which
// each may be a template.
type area struct {
	Cases []yaml.Node `yaml:"cases"`
}

func (s *Set) file(name string, b []byte) error {
	var a area
	if err := strict(b, &a); err != nil {
		return err
	}
	for i := range a.Cases {
		if err := s.template(name, &a.Cases[i]); err != nil {
			return fmt.Errorf("line %d: %w", a.Cases[i].Line, err)
		}
	}
	return nil
}

// template adds the cases of one entry: one, or one for each row of its for.
func (s *Set) template(area string, n *yaml.Node) error {
	rows := []row{{}}
	if at := slices.IndexFunc(n.Content, func(x *yaml.Node) bool { return x.Value == "for" }); at >= 0 && at%2 == 0 {
		var err error
		if rows, err = expandFor(n.Content[at+1]); err != nil {
			return err
		}
		n.Content = slices.Delete(n.Content, at, at+2)
	}
	for _, r := range rows {
		c := &Case{Area: area, Version: 1, Mode: Archive}
		b, err := yaml.Marshal(s.filled(n, r, ""))
		if err != nil {
			return err
		}
		if err := strict(b, c); err != nil {
			return fmt.Errorf("%v: %w", r, err)
		}
		if err := s.add(c); err != nil {
			return err
		}
	}
	return nil
}

func (s *Set) add(c *Case) error {
	c.ID = strings.ToUpper(c.ID)
	if s.byID[c.ID] != nil {
		return fmt.Errorf("%s is defined twice", c.ID)
	}
	if len(c.Clients) == 0 {
		c.Clients = map[string]string{"c": "adult"}
	}
	s.give(c)
	for i := range c.Steps {
		s.say(&c.Steps[i])
	}
	if c.Failure == nil {
		c.Failure = s.failure(c)
	}
	s.byID[c.ID] = c
	s.Cases = append(s.Cases, c)
	return s.check(c)
}

// row are a template's variables for one case.
type row map[string]string

// expandFor gives the rows of a for: a list of maps, whose lists are multiplied
// out. A key "a=b" with a map gives a pair of variables for each entry.
func expandFor(n *yaml.Node) ([]row, error) {
	var list []map[string]yaml.Node
	if err := n.Decode(&list); err != nil {
		return nil, err
	}
	var out []row
	for _, m := range list {
		rows := []row{{}}
		for _, key := range slices.Sorted(maps.Keys(m)) {
			v := m[key]
			choices, err := choicesOf(key, &v)
			if err != nil {
				return nil, err
			}
			rows = multiply(rows, choices)
		}
		out = append(out, rows...)
	}
	return out, nil
}

func choicesOf(key string, v *yaml.Node) ([]row, error) {
	var out []row
	switch v.Kind {
	case yaml.ScalarNode:
		return []row{{key: v.Value}}, nil
	case yaml.SequenceNode:
		for _, x := range v.Content {
			out = append(out, row{key: x.Value})
		}
	case yaml.MappingNode:
		a, b, ok := strings.Cut(key, "=")
		if !ok {
			return nil, fmt.Errorf("for: %q has a map but is no pair", key)
		}
		for i := 0; i < len(v.Content); i += 2 {
			out = append(out, row{a: v.Content[i].Value, b: v.Content[i+1].Value})
		}
	}
	return out, nil
}

func multiply(rows, by []row) []row {
	var out []row
	for _, r := range rows {
		for _, c := range by {
			x := maps.Clone(r)
			maps.Copy(x, c)
			out = append(out, x)
		}
	}
	return out
}

// filled gives a copy of a node with the row's variables put in. Within a text the
// variable's word in that language stands for it.
func (s *Set) filled(n *yaml.Node, r row, lang catalogue.Lang) *yaml.Node {
	x := *n
	x.Content = nil
	if n.Kind == yaml.ScalarNode {
		x.Value = s.substitute(n.Value, r, lang)
		if x.Value != n.Value {
			x.Tag, x.Style = "", 0 // {n} may have become a number
			if lang != "" {
				x.Tag, x.Style = "!!str", yaml.DoubleQuotedStyle
			}
		}
	}
	for i, c := range n.Content {
		l := lang
		if n.Kind == yaml.MappingNode && i%2 == 1 && slices.Contains(catalogue.Langs, catalogue.Lang(n.Content[i-1].Value)) {
			l = catalogue.Lang(n.Content[i-1].Value)
		}
		x.Content = append(x.Content, s.filled(c, r, l))
	}
	return &x
}

func (s *Set) substitute(text string, r row, lang catalogue.Lang) string {
	for name, value := range r {
		if !strings.Contains(text, "{"+name+"}") {
			continue
		}
		if lang != "" {
			value = s.word(name, value, lang)
		}
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// word gives a variable's word: a rule's title, or the entry of its category, or
// itself.
func (s *Set) word(category, key string, lang catalogue.Lang) string {
	if r := catalogue.Default().Rule(key); category == "rule" && r != nil {
		return strings.TrimSuffix(r.Title.In(lang), ".")
	}
	if t := s.words[category][key]; t != nil {
		return t.In(lang)
	}
	return key
}
