package sosmeta

import (
	"bytes"
	_ "embed" // table.json.gz
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"portti/internal/finding"
)

//go:generate go run ./gen

//go:embed table.json.gz
var embedded []byte

// Embedded gives the table that the program ships: the 202 structures of THL's
// set of May 2025. Each call reads it anew.
func Embedded() (*Table, error) { return ReadTable(bytes.NewReader(embedded)) }

var defaultSet = sync.OnceValue(func() *Set {
	t, err := Embedded()
	if err != nil {
		panic(err) // excluded by a test
	}
	return NewSet(t)
})

// Default gives the set of the shipped structures.
func Default() *Set { return defaultSet() }

// Set holds structures of several tables, so that several versions of a document
// stand side by side. It is read-only and safe for concurrent use.
type Set struct {
	byOID  map[string]*Structure
	byBase map[string][]*Structure // oldest version first
	all    []*Structure
}

// NewSet joins tables. Where two hold the same version, the later table's stands.
func NewSet(tables ...*Table) *Set {
	s := &Set{byOID: make(map[string]*Structure), byBase: make(map[string][]*Structure)}
	for _, t := range tables {
		for _, st := range t.Structures {
			s.byOID[st.OID] = st
		}
	}
	for _, st := range s.byOID {
		s.all = append(s.all, st)
	}
	slices.SortFunc(s.all, compareStructures)
	for _, st := range s.all {
		s.byBase[st.Base] = append(s.byBase[st.Base], st)
	}
	return s
}

// List gives all structures, by document group and type, oldest version first.
// The caller must not change the slice.
func (s *Set) List() []*Structure { return s.all }

// Lookup gives the structure of that exact OID.
func (s *Set) Lookup(oid string) (*Structure, bool) {
	st, ok := s.byOID[oid]
	return st, ok
}

// Versions gives the known versions of a structure by its OID without version
// arcs, oldest first.
func (s *Set) Versions(base string) []*Structure { return s.byBase[base] }

// Choose finds the structure that contentSpecificationId names. Unknown structure
// (also an id that can be none's), unknown version, and one not valid at the time
// the document was made (zero: not asked) are findings without place: the caller
// puts the place of the id there. The structure is nil where it is not known.
func (s *Set) Choose(id string, at time.Time) (*Structure, []finding.Finding) {
	if st, ok := s.byOID[id]; ok {
		return st, st.validity(at)
	}
	base, _, err := splitOID(id)
	if err != nil {
		return nil, []finding.Finding{{Rule: RuleUnknown, Value: shortValue([]byte(id))}}
	}
	return nil, []finding.Finding{s.unknown(id, base)}
}

func (s *Set) unknown(id, base string) finding.Finding {
	versions := s.byBase[base]
	if len(versions) == 0 {
		return finding.Finding{Rule: RuleUnknown, Value: id}
	}
	var known []string
	for _, v := range versions {
		known = append(known, v.OID)
	}
	return finding.Finding{Rule: RuleVersionUnknown, Value: id, Params: []finding.Param{
		finding.P("name_fi", versions[0].TitleFI), finding.P("name_sv", orFI(versions[0])), finding.P("known", strings.Join(known, ", "))}}
}

func orFI(s *Structure) string {
	if s.TitleSV != "" {
		return s.TitleSV
	}
	return s.TitleFI
}

func (s *Structure) validity(at time.Time) []finding.Finding {
	switch {
	case at.IsZero():
	case at.Before(s.ValidFrom):
		return []finding.Finding{{Rule: RuleNotYetValid, Value: s.OID, Params: []finding.Param{
			finding.P("from", day(s.ValidFrom)), finding.P("at", day(at))}}}
	case !s.ValidTo.IsZero() && !at.Before(s.ValidTo.AddDate(0, 0, 1)):
		return []finding.Finding{{Rule: RuleEnded, Value: s.OID, Params: []finding.Param{
			finding.P("to", day(s.ValidTo)), finding.P("at", day(at))}}}
	}
	return nil
}

// SetValidity sets the days from and to (both inclusive, the zero time for no
// bound) of one structure of the table, before the table is put into a Set.
func (t *Table) SetValidity(oid string, from, to time.Time) error {
	for _, s := range t.Structures {
		if s.OID == oid {
			s.ValidFrom, s.ValidTo = from, to
			return nil
		}
	}
	return fmt.Errorf("sosmeta: structure %s is not in the table", oid)
}

// tableSuffix ends the names of table files in a data folder.
const tableSuffix = ".sosmeta.json.gz"

// Save writes the table into a folder under its date and source; an earlier table
// of that name is replaced whole. It gives the file's name.
func (t *Table) Save(dir string) (string, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if _, err := t.WriteTo(&b); err != nil {
		return "", err
	}
	date := t.Date
	if date == "" {
		date = "undated"
	}
	name := filepath.Join(dir, date+tableSuffix)
	tmp := name + ".tmp"
	if err := os.WriteFile(tmp, b.Bytes(), 0o640); err != nil {
		return "", err
	}
	return name, os.Rename(tmp, name)
}

// Open gives a set of the shipped structures and of all tables saved in a folder,
// which need not exist, in the order of their dates.
func Open(dir string) (*Set, error) {
	t, err := Embedded()
	if err != nil {
		return nil, err
	}
	tables := []*Table{t}
	files, err := filepath.Glob(filepath.Join(dir, "*"+tableSuffix))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	for _, name := range files {
		t, err := readFile(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tables = append(tables, t)
	}
	return NewSet(tables...), nil
}

func readFile(name string) (*Table, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadTable(f)
}
