package migrate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"portti/cda"
	"portti/cda/codes"

	"go.yaml.in/yaml/v3"
)

// The fields of a row that a table's columns are mapped to.
var fieldNames = []string{
	"id", "client", "hetu", "family", "given", "call", "born", "gender", "protected", "date", "task", "type", "unit",
	"controller", "case", "case_title", "case_opened", "case_closed", "relation_started", "relation_ended",
	"language", "file", "text",
}

// Mapping says how an old system's words become the archive's (MIG-2, MIG-3). It
// is read from a YAML file by LoadMapping.
type Mapping struct {
	// Table is the table's file, Files the folder, zip or tar of the documents;
	// both relative to the mapping's own folder. Sheet names the sheet of an XLSX.
	Table string `yaml:"table"`
	Sheet string `yaml:"sheet"`
	Files string `yaml:"files"`
	// Key and Certificate are the files of the system's signing key (SIG-1).
	Key         string `yaml:"key"`
	Certificate string `yaml:"certificate"`
	// System is the migrating system (arkistoiva sovellus, PRO-4).
	System System `yaml:"system"`
	// User answers for the migration: frames name a user.
	User User `yaml:"user"`
	// Columns maps fields to the table's columns; a field that is not there has
	// the column of its own name.
	Columns map[string]string `yaml:"columns"`
	// PageSeparator parts several files of one document (pages) in the column file.
	PageSeparator string `yaml:"page_separator"`
	// MonthFirst reads 03/04/2011 as the 4th of March.
	MonthFirst bool `yaml:"month_first"`
	// Controllers, Units, Tasks and Types map the old system's words.
	Controllers map[string]Organisation `yaml:"controllers"`
	Units       map[string]Organisation `yaml:"units"`
	Tasks       map[string]Coded        `yaml:"tasks"`
	Types       map[string]Coded        `yaml:"types"`
	// Defaults are old words of fields that a row leaves empty.
	Defaults map[string]string `yaml:"defaults"`
	// Rules set fields by what others say (asiakirjojen konteksti); for each field
	// the first rule that fits counts.
	Rules []ContextRule `yaml:"rules"`
	// Generate says which documents around the old ones are made: "cases" and
	// "relationships"; both where nothing is said.
	Generate []string `yaml:"generate"`
	// Originals is "attach" to send the pictures that pages were made of along.
	Originals string `yaml:"originals"`
	// Pages is "pdf" to make PDF/A of scanned pages, else they become XHTML.
	Pages string `yaml:"pages"`

	dir string
}

// System is who migrates.
type System struct {
	// OID numbers the messages; Root is the arc of new documents' ids, under which
	// a year and a number stand (kanta-interface 5.5: class 95 and system number).
	OID    string `yaml:"oid"`
	Root   string `yaml:"root"`
	Sender string `yaml:"sender"`
	// Vendor, Product and Version go into softwareSupport.
	Vendor  string `yaml:"vendor"`
	Product string `yaml:"product"`
	Version string `yaml:"version"`
}

// User is the person who answers for the migration.
type User struct {
	Root   string `yaml:"root"`
	ID     string `yaml:"id"`
	Given  string `yaml:"given"`
	Family string `yaml:"family"`
}

// Organisation is a controller or unit.
type Organisation struct {
	OID  string `yaml:"oid"`
	Name string `yaml:"name"`
}

// Coded is a code with its name; in the file a code alone will do where the code
// list that is shipped has its name.
type Coded struct {
	Code    string `yaml:"code"`
	Display string `yaml:"display"`
}

// UnmarshalYAML takes "10" as well as {code: "10", display: Lastensuojelu}.
func (c *Coded) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		c.Code = n.Value
		return nil
	}
	type plain Coded
	return n.Decode((*plain)(c))
}

// ContextRule sets fields where others fit: patterns with * and ?, of either case.
type ContextRule struct {
	When map[string]string `yaml:"when"`
	Set  map[string]string `yaml:"set"`
}

// ErrMapping is what LoadMapping finds wrong, wrapped with where.
var ErrMapping = errors.New("the mapping cannot be used")

// LoadMapping reads and checks a mapping.
func LoadMapping(name string) (*Mapping, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	m := &Mapping{dir: filepath.Dir(name)}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMapping, name, err)
	}
	if err := m.finish(); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrMapping, name, err)
	}
	return m, nil
}

// finish checks the mapping and turns words into keys.
func (m *Mapping) finish() error {
	switch {
	case m.Table == "":
		return errors.New("table is missing")
	case !cda.ValidOID(m.System.OID) || !cda.ValidOID(m.System.Root):
		return errors.New("system.oid and system.root must be OIDs")
	case m.User.ID == "" || m.User.Family == "":
		return errors.New("user needs id and family: every message names who answers for it")
	case m.Originals != "" && m.Originals != "attach" && m.Originals != "drop":
		return fmt.Errorf("originals is %q: use attach or drop", m.Originals)
	case m.Pages != "" && m.Pages != "xhtml" && m.Pages != "pdf":
		return fmt.Errorf("pages is %q: use xhtml or pdf", m.Pages)
	}
	for _, f := range []map[string]string{m.Columns, m.Defaults} {
		if err := knownFields(f); err != nil {
			return err
		}
	}
	for _, r := range m.Rules {
		if err := errors.Join(knownFields(r.When), knownFields(r.Set)); err != nil {
			return err
		}
	}
	for _, g := range m.Generate {
		if g != "cases" && g != "relationships" && g != "none" {
			return fmt.Errorf("generate has %q: use cases, relationships or none", g)
		}
	}
	if m.PageSeparator == "" {
		m.PageSeparator = "|"
	}
	if m.User.Root == "" {
		m.User.Root = cda.RootHetu
	}
	return errors.Join(organisations("controllers", m.Controllers), organisations("units", m.Units),
		coded("tasks", m.Tasks, systemTask), coded("types", m.Types, systemType))
}

func knownFields(f map[string]string) error {
	known := strings.Join(fieldNames, " ") + " "
	for name := range f {
		if !strings.Contains(" "+known, " "+name+" ") {
			return fmt.Errorf("no field %q: use some of %v", name, fieldNames)
		}
	}
	return nil
}

func organisations(list string, m map[string]Organisation) error {
	for word, o := range m {
		if !cda.ValidOID(o.OID) || o.Name == "" {
			return fmt.Errorf("%s: %q needs an OID and a name", list, word)
		}
		delete(m, word)
		m[key(word)] = o
	}
	return nil
}

func coded(list string, m map[string]Coded, system codeSystem) error {
	for word, c := range m {
		if c.Display == "" {
			c.Display = system.display(c.Code)
		}
		if c.Code == "" || c.Display == "" {
			return fmt.Errorf("%s: %q needs a code, and a display where the shipped list does not know the code", list, word)
		}
		delete(m, word)
		m[key(word)] = c
	}
	return nil
}

// key makes words comparable: small letters, single spaces.
func key(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// path gives a file named in the mapping.
func (m *Mapping) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(m.dir, name)
}

// KeyFiles gives the paths of signing key and certificate.
func (m *Mapping) KeyFiles() (key, certificate string) { return m.path(m.Key), m.path(m.Certificate) }

// makes tells whether a kind of surrounding documents is made.
func (m *Mapping) makes(what string) bool {
	if len(m.Generate) == 0 {
		return true
	}
	for _, g := range m.Generate {
		if g == what {
			return true
		}
	}
	return false
}

// complete fills a row in by rules and defaults.
func (m *Mapping) complete(row *Row) {
	done := map[string]bool{}
	for _, r := range m.Rules {
		if !r.fits(row) {
			continue
		}
		for f, v := range r.Set {
			if !done[f] {
				row.Values[f], done[f] = v, true
			}
		}
	}
	for f, v := range m.Defaults {
		if row.Values[f] == "" {
			row.Values[f] = v
		}
	}
}

func (r ContextRule) fits(row *Row) bool {
	for f, pattern := range r.When {
		if ok, err := path.Match(strings.ReplaceAll(key(pattern), "/", "\x01"), strings.ReplaceAll(key(row.Values[f]), "/", "\x01")); err != nil || !ok {
			return false
		}
	}
	return true
}

// lookup maps an old word to a code: by the mapping, else by the code itself.
func lookup(m map[string]Coded, system codeSystem, word string) (Coded, bool) {
	if c, ok := m[key(word)]; ok {
		return c, true
	}
	if d := system.display(word); word != "" && d != "" {
		return Coded{word, d}, true
	}
	return Coded{}, false
}

// codeSystem is a code system with its name.
type codeSystem struct{ oid, name string }

// display gives a code's name from the shipped lists, "" where it is not known.
func (s codeSystem) display(code string) string {
	base, _, _, ok := codes.Default().Split(s.oid)
	if !ok {
		return ""
	}
	for _, l := range codes.Default().Lists(base) {
		if c := l.Lookup(code); c != nil {
			return c.FI
		}
	}
	return ""
}
