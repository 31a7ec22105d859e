package schema

import "unsafe"

// nameTable finds where in the block a name has been written. The tree interns its
// names, so a name is known by its memory; a name that stands in memory twice would
// only be written twice.
type nameTable struct {
	slots []nameSlot
	n     int
}

// nameSlot is a name's memory and its place in the block; p is nil in a free one.
type nameSlot struct {
	p      *byte
	n, off int32
}

// keptSlots bounds the size of a table that is kept for the next document.
const keptSlots = 1024

// find gives the slot of s, or the free one that is to become its own.
func (t *nameTable) find(s string) *nameSlot {
	if t.slots == nil {
		t.slots = make([]nameSlot, 256)
	}
	p := unsafe.StringData(s)
	mask := uintptr(len(t.slots) - 1)
	h := uintptr(unsafe.Pointer(p))
	for i := (h ^ h>>7 ^ uintptr(len(s))<<3) & mask; ; i = (i + 1) & mask {
		slot := &t.slots[i]
		if slot.p == nil || slot.p == p && int(slot.n) == len(s) {
			return slot
		}
	}
}

// added tells that a free slot was taken; slots found before are void after it.
func (t *nameTable) added() {
	if t.n++; 2*t.n <= len(t.slots) {
		return
	}
	old := t.slots
	t.slots = make([]nameSlot, 2*len(old))
	for _, s := range old {
		if s.p != nil {
			*t.find(unsafe.String(s.p, int(s.n))) = s
		}
	}
}

// clear empties the table.
func (t *nameTable) clear() {
	t.n = 0
	if len(t.slots) > keptSlots {
		t.slots = nil
		return
	}
	clear(t.slots)
}
