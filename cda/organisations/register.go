package organisations

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portti/cda"
)

// RegisterOID is the code system of the national register, with its version.
const RegisterOID = "1.2.246.537.6.202.2008"

// Register is one state of the national register.
type Register struct {
	// Imported is the time of the import, Source where it came from.
	Imported time.Time `json:"imported,omitzero"`
	Source   string    `json:"source,omitempty"`
	// Whole tells that the register is all there: what is not in it does not exist.
	Whole         bool           `json:"whole"`
	Organisations []Organisation `json:"organisations"`

	byOID    map[string]int
	children map[string][]int
	kinds    bool
}

// New makes a register of entries, which it keeps.
func New(whole bool, entries ...Organisation) (*Register, error) {
	r := &Register{Whole: whole, Organisations: entries}
	return r, r.finish()
}

// finish orders and checks the register. An entry that stands twice, or under
// itself, or whose OID is none, is an error; of a whole one also an entry under
// what does not exist.
func (r *Register) finish() error {
	if len(r.Organisations) == 0 {
		return errors.New("organisations: the register is empty")
	}
	slices.SortStableFunc(r.Organisations, func(a, b Organisation) int { return compareOID(a.OID, b.OID) })
	r.byOID = make(map[string]int, len(r.Organisations))
	r.children = make(map[string][]int)
	for i, o := range r.Organisations {
		if !cda.ValidOID(o.OID) {
			return fmt.Errorf("organisations: %q is not an OID", o.OID)
		}
		if _, again := r.byOID[o.OID]; again {
			return fmt.Errorf("organisations: %s stands twice", o.OID)
		}
		r.byOID[o.OID] = i
		r.children[o.Parent] = append(r.children[o.Parent], i)
		r.kinds = r.kinds || o.Kinds != 0
	}
	return r.hierarchy()
}

// hierarchy climbs from every entry to the top, each stretch once.
func (r *Register) hierarchy() error {
	const onPath, done = 1, 2
	state := make([]byte, len(r.Organisations))
	var path []int
	for i := range r.Organisations {
		path = path[:0]
		for at := i; state[at] != done; {
			if state[at] == onPath {
				return fmt.Errorf("organisations: %s stands under itself", r.Organisations[at].OID)
			}
			state[at] = onPath
			path = append(path, at)
			parent := r.Organisations[at].Parent
			if parent == "" {
				break
			}
			up, ok := r.byOID[parent]
			if !ok {
				if r.Whole {
					return fmt.Errorf("organisations: %s stands under %s, which does not exist", r.Organisations[at].OID, parent)
				}
				break
			}
			at = up
		}
		for _, at := range path {
			state[at] = done
		}
	}
	return nil
}

// compareOID orders OIDs arc by arc, by number.
func compareOID(a, b string) int {
	for a != b {
		x, restA, moreA := strings.Cut(a, ".")
		y, restB, moreB := strings.Cut(b, ".")
		switch {
		case len(x) != len(y):
			return len(x) - len(y)
		case x != y:
			return strings.Compare(x, y)
		case !moreA:
			return -1
		case !moreB:
			return 1
		}
		a, b = restA, restB
	}
	return 0
}

// TellsKinds tells whether the register says of any entry what it is: a CSV extract
// may have no columns for it.
func (r *Register) TellsKinds() bool { return r != nil && r.kinds }

// Loaded tells whether there is a register at all.
func (r *Register) Loaded() bool { return r != nil && len(r.Organisations) > 0 }

// Lookup gives the entry of an OID, nil where there is none.
func (r *Register) Lookup(oid string) *Organisation {
	if r == nil {
		return nil
	}
	if i, ok := r.byOID[oid]; ok {
		return &r.Organisations[i]
	}
	return nil
}

// Children gives the entries right under one, "" for the top, in order.
func (r *Register) Children(parent string) []*Organisation {
	if r == nil {
		return nil
	}
	var out []*Organisation
	for _, i := range r.children[parent] {
		out = append(out, &r.Organisations[i])
	}
	return out
}

// Above gives the entry and all above it, nearest first.
func (r *Register) Above(oid string) []*Organisation {
	var out []*Organisation
	for o := r.Lookup(oid); o != nil; o = r.Lookup(o.Parent) {
		out = append(out, o)
	}
	return out
}

// Under tells whether an entry is another or stands below it.
func (r *Register) Under(unit, organisation string) bool {
	return slices.ContainsFunc(r.Above(unit), func(o *Organisation) bool { return o.OID == organisation })
}

// Top gives the OID of the organisation that a unit belongs to: the topmost entry
// above it; "" for what the register does not know.
func (r *Register) Top(unit string) string {
	above := r.Above(unit)
	if len(above) == 0 {
		return ""
	}
	return above[len(above)-1].OID
}

// Encode gives the register in the form that Decode reads.
func (r *Register) Encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("organisations: %w", err)
	}
	return b, nil
}

// Decode reads what Encode gave.
func Decode(b []byte) (*Register, error) {
	var r Register
	if err := decode(b, &r); err != nil {
		return nil, err
	}
	return &r, r.finish()
}
