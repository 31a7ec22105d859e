package sosmeta

import "strings"

// slot is what the decoder needs of a Field at every value, in one cache line; the
// slots of an object's fields lie side by side. Slot i belongs to field i of the
// structure.
type slot struct {
	key       string
	prefix    string // what a code system must begin with, where class is matchSystem
	sig       uint32 // length, first and last octet of the key, to compare fast
	first     int32  // slot of the first field
	minItems  int32
	minLength int32
	n         uint16 // number of fields
	required  uint16 // of them required
	kind      Kind
	flags     slotFlags
	class     matchClass
	role      role
	fact      FactKind
	root      bool
}

type slotFlags uint8

const (
	slotRequired slotFlags = 1 << iota
	slotRepeats
	slotOpen
	slotAccepted
	slotPhrases
	slotConditions
	slotIDSystem
)

func signature(key string) uint32 {
	if key == "" {
		return 0
	}
	return uint32(len(key))<<16 | uint32(key[0])<<8 | uint32(key[len(key)-1])
}

func signatureOf(key []byte) uint32 {
	if len(key) == 0 {
		return 0
	}
	return uint32(len(key))<<16 | uint32(key[0])<<8 | uint32(key[len(key)-1])
}

// makeSlots builds the slots of a structure's fields, whose texts share one string.
func makeSlots(fields []*Field) []slot {
	var b strings.Builder
	for _, f := range fields {
		b.WriteString(f.Key)
		b.WriteString(f.match.prefix)
	}
	all := b.String()
	take := func(n int) string {
		s := all[:n]
		all = all[n:]
		return s
	}
	slots := make([]slot, len(fields))
	for i, f := range fields {
		slots[i] = slot{key: take(len(f.Key)), prefix: take(len(f.match.prefix)), sig: signature(f.Key),
			minItems: int32(f.MinItems), minLength: int32(f.MinLength), n: uint16(len(f.Fields)),
			required: uint16(f.required), kind: f.Kind, flags: flagsOf(f), class: f.match.class, role: f.role,
			fact: f.fact, root: f.parent == nil}
		if len(f.Fields) > 0 {
			slots[i].first = f.Fields[0].index
		}
	}
	return slots
}

func flagsOf(f *Field) slotFlags {
	var fl slotFlags
	for bit, on := range map[slotFlags]bool{
		slotRequired: f.Obligation == Required, slotRepeats: f.Repeats, slotOpen: f.Open, slotAccepted: f.Accepted != nil,
		slotPhrases: f.Phrases != nil, slotConditions: f.conds != nil,
		slotIDSystem: f.role == systemRole && f.parent.SystemURI != "",
	} {
		if on {
			fl |= bit
		}
	}
	return fl
}
