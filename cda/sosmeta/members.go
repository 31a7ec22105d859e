package sosmeta

// members keeps what an object's keys were, to find doubles and gaps without
// allocating in the usual case.
type members struct {
	seen     [2]uint64
	seenMore []uint64 // objects of more than 128 fields
	next     int      // the field after the last found: documents follow the order of the structure
	required int      // required fields seen

	few  [6][]byte // unknown keys
	nFew int
	many map[string]struct{}

	stranger   Ref // the outermost object's first unknown key
	strangerAt int
	strangers  int
}

func (m *members) init(f *Field) {
	if f != nil && len(f.Fields) > 128 {
		m.seenMore = make([]uint64, (len(f.Fields)+63)/64)
	}
}

func (m *members) word(i int) *uint64 {
	if m.seenMore != nil {
		return &m.seenMore[i/64]
	}
	return &m.seen[i/64]
}

func (m *members) has(i int) bool { return *m.word(i)>>(i%64)&1 != 0 }

// mark notes that field i was seen and tells whether it had been before.
func (m *members) mark(i int, f *Field) (again bool) {
	if m.has(i) {
		return true
	}
	*m.word(i) |= 1 << (i % 64)
	if f.Fields[i].Obligation == Required {
		m.required++
	}
	return false
}

// find gives the index of the field with that key, or -1.
func (m *members) find(f *Field, key []byte) int {
	if m.next < len(f.Fields) && f.Fields[m.next].Key == string(key) {
		m.next++
		return m.next - 1
	}
	if i, ok := f.byKey[string(key)]; ok {
		m.next = int(i) + 1
		return int(i)
	}
	return -1
}

// extra notes a key that no field has and tells whether it stood before.
func (m *members) extra(key []byte) (again bool) {
	if m.many != nil {
		_, again = m.many[string(key)]
		m.many[string(key)] = struct{}{}
		return again
	}
	for _, k := range m.few[:m.nFew] {
		if string(k) == string(key) {
			return true
		}
	}
	if m.nFew < len(m.few) {
		m.few[m.nFew] = key
		m.nFew++
		return false
	}
	m.many = make(map[string]struct{}, 2*len(m.few))
	for _, k := range m.few {
		m.many[string(k)] = struct{}{}
	}
	m.many[string(key)] = struct{}{}
	return false
}
