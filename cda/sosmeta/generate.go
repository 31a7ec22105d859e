package sosmeta

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"
)

// Mode says how much of a structure a generated document holds.
type Mode uint8

// The modes: Minimal has the required fields only, Full every field once (fields
// that exclude each other: one of them), Random some by chance, with repetition.
const (
	Minimal Mode = iota
	Full
	Random
)

// CodeSource gives a code, its display name and the version arc of a code system
// (base OID), ok false where it knows none.
type CodeSource func(system string) (code, display, version string, ok bool)

// GenerateOptions say what to generate. The zero value makes the minimal document.
type GenerateOptions struct {
	Mode Mode
	// Seed: the same options give the same document.
	Seed uint64
	// At is the day that dates lie around; zero: a month after the structure's version.
	At time.Time
	// Phrases are originals of the fixed phrases (see Phrases). Without the original
	// an optional phrase is left out and a required one marked.
	Phrases map[Hash]string
	// Codes gives codes where the structure does not name the accepted ones.
	Codes CodeSource
}

// PhraseMark stands in the place of a required phrase whose original is not at hand.
const PhraseMark = "[fixed phrase of the structure]"

// Generated is a made document.
type Generated struct {
	JSON []byte
	// Marked are the JSON pointers where PhraseMark stands: such a document has a
	// finding SOS-PHRASE there.
	Marked []string
}

// Generate makes a document that is valid by the structure and its conditional
// obligations, of test persons of the 900 series and invented organisations.
func (s *Structure) Generate(o GenerateOptions) (*Generated, error) {
	if o.At.IsZero() {
		o.At = s.Version.AddDate(0, 1, 0)
	}
	g := newGenerator(o)
	root := g.object(s.Root())
	if g.err != nil {
		return nil, fmt.Errorf("sosmeta: generate %s: %w", s.OID, g.err)
	}
	if err := g.repair(s, root); err != nil {
		return nil, fmt.Errorf("sosmeta: generate %s: %w", s.OID, err)
	}
	out := &Generated{JSON: root.json()}
	root.marks("", &out.Marked)
	return out, nil
}

// node is a value of a document in the making.
type node struct {
	field    *Field
	typ      Type
	text     string // of a string unquoted, of a number its spelling
	children []*node
	person   *person // of an object: whose its fields are
}

type generator struct {
	o   GenerateOptions
	rnd *rand.Rand
	err error
}

func newGenerator(o GenerateOptions) *generator {
	return &generator{o: o, rnd: rand.New(rand.NewPCG(o.Seed, uint64(o.Mode)))}
}

func (g *generator) chance(percent int) bool { return g.rnd.IntN(100) < percent }

// wants tells whether a field is to be made.
func (g *generator) wants(f *Field) bool {
	if f.Phrases != nil && f.Obligation != Required && !g.hasPhrase(f) {
		return false
	}
	switch {
	case f.Obligation == Required:
		return true
	case g.o.Mode == Full:
		return true
	case g.o.Mode == Random:
		return g.chance(45)
	}
	return f.role == systemRole && f.parent.SystemURI != ""
}

func (g *generator) hasPhrase(f *Field) bool {
	for _, h := range f.Phrases {
		if _, ok := g.o.Phrases[h]; ok {
			return true
		}
	}
	return false
}

// value makes a field's value, an array where it repeats.
func (g *generator) value(f *Field) *node {
	if !f.Repeats {
		return g.single(f)
	}
	n := max(1, f.MinItems)
	if g.o.Mode == Random {
		n = f.MinItems + g.rnd.IntN(3)
	}
	a := &node{field: f, typ: TypeArray}
	for range n {
		a.children = append(a.children, g.single(f))
	}
	return a
}

func (g *generator) single(f *Field) *node {
	switch f.Kind {
	case Object:
		return g.object(f)
	case Boolean:
		if g.o.Mode != Minimal && g.chance(50) && f.Key != "turvakielto" {
			return &node{field: f, typ: TypeTrue}
		}
		return &node{field: f, typ: TypeFalse}
	case Number:
		return &node{field: f, typ: TypeNumber, text: g.number()}
	default:
		return &node{field: f, typ: TypeString, text: g.text(f)}
	}
}

func (g *generator) object(f *Field) *node {
	n := &node{field: f, typ: TypeObject, person: g.person()}
	for _, c := range f.Fields {
		if !g.wants(c) {
			continue
		}
		v := g.value(c)
		n.person.fill(v)
		n.children = append(n.children, v)
	}
	g.fillCoded(n)
	return n
}

func (n *node) child(key string) *node {
	for _, c := range n.children {
		if c.field.Key == key {
			return c
		}
	}
	return nil
}

// json writes the document, compact.
func (n *node) json() []byte {
	var b bytes.Buffer
	n.write(&b)
	return b.Bytes()
}

func (n *node) write(b *bytes.Buffer) {
	switch n.typ {
	case TypeObject:
		b.WriteByte('{')
		for i, c := range n.children {
			if i > 0 {
				b.WriteByte(',')
			}
			writeString(b, c.field.Key)
			b.WriteByte(':')
			c.write(b)
		}
		b.WriteByte('}')
	case TypeArray:
		b.WriteByte('[')
		for i, c := range n.children {
			if i > 0 {
				b.WriteByte(',')
			}
			c.write(b)
		}
		b.WriteByte(']')
	case TypeString:
		writeString(b, n.text)
	case TypeTrue, TypeFalse:
		fmt.Fprint(b, n.typ == TypeTrue)
	default:
		b.WriteString(n.text)
	}
}

func writeString(b *bytes.Buffer, s string) {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil {
		b.Truncate(b.Len() - 1) // the encoder ends with a line feed
	}
}

// marks lists the pointers of marked phrases.
func (n *node) marks(pointer string, out *[]string) {
	if n.typ == TypeString && n.text == PhraseMark {
		*out = append(*out, pointer)
	}
	for i, c := range n.children {
		token := c.field.Key
		if n.typ == TypeArray {
			token = fmt.Sprint(i)
		}
		c.marks(pointer+"/"+string(appendToken(nil, token)), out)
	}
}
