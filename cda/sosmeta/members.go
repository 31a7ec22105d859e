package sosmeta

// members keeps what an object's keys were, to find doubles and gaps without
// allocating in the usual case.
type members struct {
	seen     [2]uint64
	next     int32 // the field after the last found: documents follow the order of the structure
	required int32 // required fields seen
	more     *moreMembers
}

// moreMembers is what only unusual objects need.
type moreMembers struct {
	seen []uint64 // objects of more than 128 fields

	few  [6][]byte // unknown keys
	nFew int
	many map[string]struct{}

	stranger   Ref // the outermost object's first unknown key
	strangerAt int
	strangers  int
}

func (m *members) unusual() *moreMembers {
	if m.more == nil {
		m.more = &moreMembers{}
	}
	return m.more
}

func (m *members) init(f *slot) {
	if f != nil && f.n > 128 {
		m.unusual().seen = make([]uint64, (f.n+63)/64)
	}
}

func (m *members) word(i int) *uint64 {
	if m.more != nil && m.more.seen != nil {
		return &m.more.seen[i/64]
	}
	return &m.seen[i/64]
}

func (m *members) has(i int) bool { return *m.word(i)>>(i%64)&1 != 0 }

// mark notes that field i was seen and tells whether it had been before.
func (m *members) mark(i int) (again bool) {
	w, bit := m.word(i), uint64(1)<<(i%64)
	again = *w&bit != 0
	*w |= bit
	return again
}

// find gives the index of the field with that key among an object's, or -1. The
// search begins after the field last found.
func (m *members) find(fields []slot, key []byte) int {
	sig := signatureOf(key)
	for i := int(m.next); i < len(fields); i++ {
		if fields[i].sig == sig && fields[i].key == string(key) {
			m.next = int32(i + 1)
			return i
		}
	}
	for i := range min(int(m.next), len(fields)) {
		if fields[i].sig == sig && fields[i].key == string(key) {
			m.next = int32(i + 1)
			return i
		}
	}
	return -1
}

// extra notes a key that no field has and tells whether it stood before.
func (m *members) extra(key []byte) (again bool) {
	x := m.unusual()
	if x.many != nil {
		_, again = x.many[string(key)]
		x.many[string(key)] = struct{}{}
		return again
	}
	for _, k := range x.few[:x.nFew] {
		if string(k) == string(key) {
			return true
		}
	}
	if x.nFew < len(x.few) {
		x.few[x.nFew] = key
		x.nFew++
		return false
	}
	x.many = make(map[string]struct{}, 2*len(x.few))
	for _, k := range x.few {
		x.many[string(k)] = struct{}{}
	}
	x.many[string(key)] = struct{}{}
	return false
}
