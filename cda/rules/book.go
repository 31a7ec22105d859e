package rules

import (
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"portti/cda/frame/interactions"

	"go.yaml.in/yaml/v3"
)

//go:embed data/*.yaml
var data embed.FS

// Field is one field of the document as data/fields.yaml describes it.
type Field struct {
	// ID is the field's part of rule ids, such as CLIENT-ID.
	ID   string            `yaml:"id"`
	Kind string            `yaml:"kind"`
	Path string            `yaml:"path"`
	Name map[string]string `yaml:"name"`
	// System is the base OID of the code system that a code must come from.
	System string `yaml:"system"`
	// Codes is the key of a list of codes without code system.
	Codes string `yaml:"codes"`
	// Complete tells that the known codes of System are all there are, though its
	// list was not imported.
	Complete bool `yaml:"complete"`
	// OwnUnknown tells that a rule of its own tells an unknown code.
	OwnUnknown bool `yaml:"own_unknown"`
	// Level is the level of System's hierarchy that is meant: top, leaf or "" for any.
	Level string `yaml:"level"`
	// Precision is the least precision of a time: day or second; Exact forbids more.
	Precision string `yaml:"precision"`
	Exact     bool   `yaml:"exact"`
	// Offset tells that the time must name its offset from UTC; Future that it
	// must not lie in the future.
	Offset bool `yaml:"offset"`
	Future bool `yaml:"future"`
	// Local tells that the field stands in the local header.
	Local bool `yaml:"local"`
	// RepeatedOnly tells that nothing but its standing twice is judged.
	RepeatedOnly bool   `yaml:"repeated_only"`
	Requirement  string `yaml:"requirement"`
	Reference    string `yaml:"ref"`
}

// Duty is what a group demands of a field.
type Duty byte

// The duties, as letters of data/obligations.yaml.
const (
	Must        Duty = 'M'
	Nullable    Duty = 'N'
	Optional    Duty = 'O'
	Forbidden   Duty = 'F'
	Conditional Duty = 'C'
)

// obligation is one row of the table.
type obligation struct {
	Field     string   `yaml:"field"`
	Letters   string   `yaml:"letters"`
	Condition string   `yaml:"condition"`
	Seen      []string `yaml:"seen"`
	Assumed   []string `yaml:"assumed"`
	Source    string   `yaml:"source"`

	duties []Duty // by group
	own    bool   // a user's row
}

// obligations is data/obligations.yaml.
type obligations struct {
	Groups        []string     `yaml:"groups"`
	Rows          []obligation `yaml:"rows"`
	Nullification []string     `yaml:"nullification"`
	Lenient       []string     `yaml:"lenient"`
	Health        []string     `yaml:"health"`
}

// plainList is a list of codes without code system.
type plainList struct {
	Key  string `yaml:"key"`
	Name string `yaml:"name"`
	// Complete tells that a code that is not listed does not exist.
	Complete   bool              `yaml:"complete"`
	Values     map[string]string `yaml:"values"`
	IgnoreCase bool              `yaml:"ignore_case"`
	Source     string            `yaml:"source"`
}

// Book is the loaded facts. It is read-only and safe for concurrent use.
type Book struct {
	// Table is the table of service requests, groups and the rest.
	Table *interactions.Table

	fields []*Field
	byID   map[string]*Field
	duty   obligations
	plain  map[string]*plainList // by key
	// known are the rules of fields that the embedded obligations can emit; rows
	// that a user overrides may need others.
	known map[string]bool
}

// DefaultBook gives the embedded facts; it panics where the embedded data are
// broken, which a test excludes.
var DefaultBook = sync.OnceValue(func() *Book {
	b, err := loadBook()
	if err != nil {
		panic(err)
	}
	return b
})

func loadBook() (*Book, error) {
	b := &Book{Table: interactions.Default(), byID: map[string]*Field{}, plain: map[string]*plainList{}}
	var lists []*plainList
	for name, into := range map[string]any{"fields": &b.fields, "obligations": &b.duty, "codes": &lists} {
		if err := decode("data/"+name+".yaml", into); err != nil {
			return nil, err
		}
	}
	for _, f := range b.fields {
		b.byID[f.ID] = f
	}
	for _, l := range lists {
		b.plain[l.Key] = l
	}
	if err := b.duty.parse(b.byID); err != nil {
		return nil, err
	}
	b.known = map[string]bool{}
	for _, f := range b.fields {
		for _, k := range b.kinds(f) {
			b.known[fieldRule(f, k)] = true
		}
	}
	return b, nil
}

func decode(name string, into any) error {
	f, err := data.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := decodeFrom(f, into); err != nil {
		return fmt.Errorf("rules: %s: %w", name, err)
	}
	return nil
}

func decodeFrom(r io.Reader, into any) error {
	dec := yaml.NewDecoder(r)
	dec.KnownFields(true)
	return dec.Decode(into)
}

// parse turns the letters into duties and checks the names.
func (o *obligations) parse(fields map[string]*Field) error {
	for i := range o.Rows {
		row := &o.Rows[i]
		letters := strings.Fields(row.Letters)
		if fields[row.Field] == nil {
			return fmt.Errorf("rules: obligations: unknown field %q", row.Field)
		}
		if len(letters) != len(o.Groups) {
			return fmt.Errorf("rules: obligations: %s has %d letters for %d groups", row.Field, len(letters), len(o.Groups))
		}
		row.duties = make([]Duty, len(letters))
		for j, l := range letters {
			row.duties[j] = Duty(l[0])
			if !strings.Contains("MNOFC", l) {
				return fmt.Errorf("rules: obligations: %s: unknown letter %q", row.Field, l)
			}
			if row.duties[j] == Conditional && conditions[row.Condition] == nil {
				return fmt.Errorf("rules: obligations: %s: unknown condition %q", row.Field, row.Condition)
			}
		}
	}
	for _, id := range slices.Concat(o.Nullification, o.Lenient, o.Health) {
		if fields[id] == nil {
			return fmt.Errorf("rules: obligations: unknown field %q", id)
		}
	}
	return nil
}

// column gives the index of a group's letters; unknown groups have the last.
func (o *obligations) column(group string) int {
	if i := slices.Index(o.Groups, group); i >= 0 {
		return i
	}
	return len(o.Groups) - 1
}

// WithTable gives a book with another table.
func (b *Book) WithTable(t *interactions.Table) *Book {
	out := *b
	out.Table = t
	return &out
}

// WithoutAssumptions gives a book in which no local assumption counts.
func (b *Book) WithoutAssumptions() *Book {
	out := *b
	out.Table = b.Table.WithoutAssumptions()
	out.duty.Rows = slices.Clone(b.duty.Rows)
	for i := range out.duty.Rows {
		row := &out.duty.Rows[i]
		row.duties = slices.Clone(row.duties)
		for _, g := range row.Assumed {
			row.duties[out.duty.column(g)] = Optional
		}
		row.Assumed = nil
	}
	return &out
}

// Override gives a book in which rows of r (a file of the form of
// data/obligations.yaml, same groups) replace those of the same field.
func (b *Book) Override(r io.Reader) (*Book, error) {
	var over obligations
	if err := decodeFrom(r, &over); err != nil {
		return nil, fmt.Errorf("rules: %w", err)
	}
	if len(over.Groups) == 0 {
		over.Groups = b.duty.Groups
	}
	if !slices.Equal(over.Groups, b.duty.Groups) {
		return nil, fmt.Errorf("rules: groups must be %v", b.duty.Groups)
	}
	if err := over.parse(b.byID); err != nil {
		return nil, err
	}
	out := *b
	out.duty.Rows = slices.Clone(b.duty.Rows)
	for _, row := range over.Rows {
		row.own = true
		i := slices.IndexFunc(out.duty.Rows, func(o obligation) bool { return o.Field == row.Field })
		if i < 0 {
			out.duty.Rows = append(out.duty.Rows, row)
			continue
		}
		out.duty.Rows[i] = row
	}
	return &out, nil
}

// Fields gives the fields in the order of the document. The slice must not be changed.
func (b *Book) Fields() []*Field { return b.fields }
