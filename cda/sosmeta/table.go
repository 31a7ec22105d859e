package sosmeta

import (
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"portti/internal/finding"
)

// Format is the name and version of the table's file form; see the package comment.
const Format = "portti-sosmeta/1"

// maxTable is the greatest size of an unpacked table in bytes: a guard against
// a compressed bomb.
const maxTable = 64 << 20

// maxFields is the greatest number of fields of one structure; the largest
// national one has fewer than 1,000.
const maxFields = 50_000

// Table is a set of structures made by one import.
type Table struct {
	// Source says where the structures are from.
	Source string
	// Date is the day of the import or snapshot, "2006-01-02"; "" if not known.
	Date       string
	Structures []*Structure

	names [][2]string
	specs []wireSpec
}

// Structure is the definition of one document in one version. It is safe for
// concurrent use.
type Structure struct {
	// OID is the full id with version arcs, as contentSpecificationId carries it.
	OID string
	// Base is the OID without the version's three arcs (1.2.246.537.6.1506.15007).
	Base string
	// TitleFI and TitleSV are the document's names.
	TitleFI, TitleSV string
	// Type is the general type's name (Päätös, Suunnitelma …), Author who writes
	// the document, Subject the subject group, in Finnish.
	Type, Author, Subject string
	// Version is the day of the definition.
	Version time.Time
	// Library is the version of THL's component library ("2023-03-29", also
	// "2025-02-27R04"), Status the definition's ("Valmis").
	Library, Status string
	// ValidFrom and ValidTo bound the time of documents that may use the version;
	// the zero ValidTo means no end. Import sets ValidFrom to Version; a Set may
	// carry other times.
	ValidFrom, ValidTo time.Time

	table *Table
	root  int32 // spec
	once  sync.Once
	top   *Field
	flat  []*Field
	slots []slot
}

// Code gives the last arc of Base: the code of the document type in code system
// 1.2.246.537.6.1506, or of the document group in 1.2.246.537.6.1505.
func (s *Structure) Code() string { return s.Base[strings.LastIndexByte(s.Base, '.')+1:] }

// Group tells whether the structure is one of the documents named by document
// group (1505: client relationship, case, permission, prohibition), not by type.
func (s *Structure) Group() bool { return strings.HasPrefix(s.Base, groupArc+".") }

// Root gives the virtual field of the document's outermost object, whose one
// field is the document itself.
func (s *Structure) Root() *Field {
	s.once.Do(s.compile)
	return s.top
}

// RootKey gives the one key of the document's outermost object.
func (s *Structure) RootKey() string { return s.Root().Fields[0].Key }

// wireTable and the following are the file's form; see the package comment.
type wireTable struct {
	Format     string          `json:"format"`
	Source     string          `json:"source"`
	Date       string          `json:"date,omitempty"`
	Names      [][2]string     `json:"names"`
	Specs      []wireSpec      `json:"specs"`
	Structures []wireStructure `json:"structures"`
}

type wireSpec struct {
	Kind           string         `json:"k"`
	Representation Representation `json:"r,omitempty"`
	Name           int32          `json:"n,omitempty"`
	Repeats        bool           `json:"m,omitempty"`
	MinItems       int            `json:"min,omitempty"`
	MinLength      int            `json:"len,omitempty"`
	Pattern        string         `json:"pat,omitempty"`
	Accepted       []string       `json:"in,omitempty"`
	Phrases        []string       `json:"ph,omitempty"`
	Alternatives   []string       `json:"al,omitempty"`
	System         string         `json:"sys,omitempty"`
	SystemURI      string         `json:"uri,omitempty"`
	LeafOnly       bool           `json:"leaf,omitempty"`
	Open           bool           `json:"open,omitempty"`
	Fields         []wireField    `json:"f,omitempty"`
}

type wireField struct {
	Key        string     `json:"k"`
	Spec       int32      `json:"s"`
	Obligation Obligation `json:"q,omitempty"`
}

type wireStructure struct {
	OID     string    `json:"oid"`
	Title   [2]string `json:"title"`
	Type    string    `json:"type,omitempty"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Version string    `json:"version"`
	Library string    `json:"library,omitempty"`
	Status  string    `json:"status,omitempty"`
	From    string    `json:"from,omitempty"`
	To      string    `json:"to,omitempty"`
	Root    int32     `json:"root"`
}

// WriteTo writes the table in its file form. The same table gives the same bytes.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	cw := &countingWriter{w: w}
	zw, err := gzip.NewWriterLevel(cw, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	enc := json.NewEncoder(zw)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(t.wire()); err != nil {
		return cw.n, err
	}
	return cw.n, zw.Close()
}

type countingWriter struct {
	w io.Writer
	n int64
}

func (c *countingWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

func (t *Table) wire() wireTable {
	w := wireTable{Format: Format, Source: t.Source, Date: t.Date, Names: t.names, Specs: t.specs}
	for _, s := range t.Structures {
		ws := wireStructure{OID: s.OID, Title: [2]string{s.TitleFI, s.TitleSV}, Type: s.Type, Author: s.Author,
			Subject: s.Subject, Version: day(s.Version), Library: s.Library, Status: s.Status, Root: s.root}
		if !s.ValidFrom.Equal(s.Version) {
			ws.From = day(s.ValidFrom)
		}
		ws.To = day(s.ValidTo)
		w.Structures = append(w.Structures, ws)
	}
	return w
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

func parseDay(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.DateOnly, s)
}

// ReadTable reads a table in its file form and checks that it is whole. A table
// of another format, or one that unpacks to more than 64 MB, is refused.
func ReadTable(r io.Reader) (*Table, error) {
	zr, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("sosmeta: table: %w", err)
	}
	lim := &io.LimitedReader{R: zr, N: maxTable}
	var w wireTable
	if err := json.NewDecoder(lim).Decode(&w); err != nil {
		return nil, fmt.Errorf("sosmeta: table: %w", err)
	}
	if w.Format != Format {
		return nil, fmt.Errorf("sosmeta: table has format %q, this version reads %q", w.Format, Format)
	}
	t := &Table{Source: w.Source, Date: w.Date, names: w.Names, specs: w.Specs}
	if err := t.checkSpecs(); err != nil {
		return nil, err
	}
	for _, ws := range w.Structures {
		s, err := t.structure(ws)
		if err != nil {
			return nil, fmt.Errorf("sosmeta: table: structure %s: %w", ws.OID, err)
		}
		t.Structures = append(t.Structures, s)
	}
	return t, nil
}

// checkSpecs excludes references that are out of range or lead in a circle, so
// that compiling cannot fail later.
func (t *Table) checkSpecs() error {
	kinds := map[string]bool{"o": true, "s": true, "n": true, "b": true}
	sizes := make([]int, len(t.specs)) // fields that a spec expands to
	for i, sp := range t.specs {
		if !kinds[sp.Kind] || sp.Name < 0 || int(sp.Name) > len(t.names) {
			return fmt.Errorf("sosmeta: table: spec %d is broken", i)
		}
		for _, f := range sp.Fields {
			if f.Spec < 0 || int(f.Spec) >= i {
				return fmt.Errorf("sosmeta: table: spec %d refers to a later one", i)
			}
			if sizes[i] += 1 + sizes[f.Spec]; sizes[i] > maxFields {
				return fmt.Errorf("sosmeta: table: spec %d has more than %d fields", i, maxFields)
			}
		}
		if _, err := newMatcher(sp.Pattern); err != nil {
			return fmt.Errorf("sosmeta: table: spec %d: %w", i, err)
		}
		for _, h := range append(append([]string(nil), sp.Phrases...), sp.Alternatives...) {
			if _, err := parseHash(h); err != nil {
				return fmt.Errorf("sosmeta: table: spec %d: %w", i, err)
			}
		}
	}
	return nil
}

func (t *Table) structure(w wireStructure) (*Structure, error) {
	base, version, err := splitOID(w.OID)
	if err != nil {
		return nil, err
	}
	if w.Root < 0 || int(w.Root) >= len(t.specs) || t.specs[w.Root].Kind != "o" || len(t.specs[w.Root].Fields) != 1 {
		return nil, errors.New("the root is not an object with one field")
	}
	s := &Structure{OID: w.OID, Base: base, TitleFI: w.Title[0], TitleSV: w.Title[1], Type: w.Type, Author: w.Author,
		Subject: w.Subject, Version: version, ValidFrom: version, Library: w.Library, Status: w.Status, table: t, root: w.Root}
	if w.From != "" {
		if s.ValidFrom, err = parseDay(w.From); err != nil {
			return nil, err
		}
	}
	s.ValidTo, err = parseDay(w.To)
	return s, err
}

func parseHash(s string) (Hash, error) {
	var h Hash
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return h, errors.New("a phrase's hash is not 32 octets of base64")
	}
	copy(h[:], b)
	return h, nil
}

// compile expands the structure's specs into fields, level by level, so that the
// fields of one object lie side by side.
func (s *Structure) compile() {
	s.top = s.newField(wireField{Spec: s.root}, nil)
	specs := []int32{s.root}
	for i := 0; i < len(s.flat); i++ {
		f := s.flat[i]
		for k, c := range s.table.specs[specs[i]].Fields {
			child := s.newField(c, f)
			f.restricted = f.restricted || child.role == codeRole && child.Accepted != nil
			f.Fields = append(f.Fields, child)
			f.byKey[c.Key] = int32(k)
			if c.Obligation == Required {
				f.required++
			}
			specs = append(specs, c.Spec)
		}
	}
	bindConditions(s)
	s.slots = makeSlots(s.flat)
}

// newField makes a field without its fields and appends it to s.flat.
func (s *Structure) newField(w wireField, parent *Field) *Field {
	sp := &s.table.specs[w.Spec]
	f := &Field{Key: w.Key, Representation: sp.Representation, Obligation: w.Obligation, Repeats: sp.Repeats,
		MinItems: sp.MinItems, MinLength: sp.MinLength, Pattern: sp.Pattern, Accepted: sp.Accepted, System: sp.System,
		SystemURI: sp.SystemURI, LeafOnly: sp.LeafOnly, Open: sp.Open, index: int32(len(s.flat)), parent: parent}
	s.flat = append(s.flat, f)
	if f.path = w.Key; parent != nil && parent.path != "" {
		f.path = parent.path + "/" + w.Key
	}
	for k, l := range kindLetters {
		if l == sp.Kind {
			f.Kind = k
		}
	}
	if sp.Name > 0 {
		f.FI, f.SV = s.table.names[sp.Name-1][0], s.table.names[sp.Name-1][1]
	}
	f.match, _ = newMatcher(sp.Pattern) // checked when the table was read or made
	f.Phrases, f.Alternatives = hashes(sp.Phrases), hashes(sp.Alternatives)
	f.role = roleOf(f)
	f.fact = factOf(f)
	f.params = fieldParams(f)
	if f.MinLength > 0 {
		f.lengthParams = append(slices.Clone(f.params), finding.P("min", strconv.Itoa(f.MinLength)))
	}
	f.byKey = make(map[string]int32, len(sp.Fields))
	return f
}

func hashes(texts []string) []Hash {
	var out []Hash
	for _, t := range texts {
		if h, err := parseHash(t); err == nil {
			out = append(out, h)
		}
	}
	return out
}

// roleOf tells what a string or number means within a coded value, an identifier
// or a quantity, by its parent's representation.
func roleOf(f *Field) role {
	if f.parent == nil {
		return plainRole
	}
	switch f.parent.Representation {
	case Coded:
		switch f.Key {
		case "system":
			return systemRole
		case "code":
			return codeRole
		case "display":
			return displayRole
		}
	case Identifier:
		if f.Key == "value" {
			return identifierRole
		}
		if f.Key == "system" {
			return systemRole
		}
	case Quantity, Measure, Percent:
		if f.Key == "value" {
			return quantityRole
		}
		if f.Key == "code" {
			return unitRole
		}
	}
	return plainRole
}
