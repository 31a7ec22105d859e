package sosmeta

import (
	"bytes"

	"portti/internal/finding"
)

// Limits bound what a document may cost. A zero field means its default.
type Limits struct {
	// Bytes is the greatest length in octets (default 20 MB), at most 2 GB.
	Bytes int
	// Depth is the greatest nesting of objects and arrays (default 64).
	Depth int
	// Values is the greatest number of values (default 500,000).
	Values int
}

// DefaultLimits gives the limits that a zero Limits stands for.
func DefaultLimits() Limits { return Limits{Bytes: 20 << 20, Depth: 64, Values: 500_000} }

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	if l.Bytes > 0 {
		d.Bytes = min(l.Bytes, 1<<31-1)
	}
	if l.Depth > 0 {
		d.Depth = l.Depth
	}
	if l.Values > 0 {
		d.Values = min(l.Values, 1<<30)
	}
	return d
}

// decoder reads JSON strictly and checks it against fields on the way. Its
// methods return false where nothing after the fault can be read.
type decoder struct {
	src    []byte
	pos    int
	lim    Limits
	exact  bool // phrases
	depth  int
	values []value
	slots  []slot
	fields []*Field
	conds  []Ref // objects that conditions are bound to
	faults []fault
	more   map[string]int
}

// fault is a finding before its place is worked out.
type fault struct {
	rule   string
	at     Ref // whose pointer is told
	off    int32
	value  string
	params []finding.Param
}

func (d *decoder) fault(rule string, at Ref, off int, value string, params []finding.Param) {
	if len(d.faults) >= finding.Limit {
		if d.more == nil {
			d.more = make(map[string]int)
		}
		d.more[rule]++
		return
	}
	d.faults = append(d.faults, fault{rule, at, int32(off), value, params})
}

// document reads the whole source. Without slots only JSON as such is read.
func (d *decoder) document() bool {
	first := int32(-1) // the field of the outermost value
	if len(d.slots) > 0 {
		first = 0
	}
	if len(d.src) > d.lim.Bytes {
		d.fault(RuleSize, None, 0, "", limitParams(d.lim.Bytes))
		return false
	}
	if !d.encoding() {
		return false
	}
	d.space()
	if d.pos == len(d.src) {
		d.fault(RuleEmpty, None, d.pos, "", nil)
		return false
	}
	if !d.value(first, false, None, 0) {
		return false
	}
	d.space()
	if d.pos < len(d.src) {
		d.fault(RuleTrailing, None, d.pos, "", foundParams(d.src[d.pos:]))
		return false
	}
	return true
}

// encoding passes over a byte order mark and finds UTF-16 and UTF-32.
func (d *decoder) encoding() bool {
	if bytes.HasPrefix(d.src, []byte("\xef\xbb\xbf")) {
		d.fault(RuleBOM, None, 0, "", nil)
		d.pos = 3
	}
	head := d.src[:min(2, len(d.src))]
	if bytes.IndexByte(head, 0) >= 0 || string(head) == "\xff\xfe" || string(head) == "\xfe\xff" {
		d.fault(RuleUTF16, None, 0, "", nil)
		return false
	}
	return true
}

func (d *decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

// push appends a value at the current place.
func (d *decoder) push(field int32, parent Ref, key int32) Ref {
	d.values = append(d.values, value{start: int32(d.pos), key: key, parent: parent, field: field})
	return Ref(len(d.values) - 1)
}

// value reads any value. item tells that it stands in the array of a field that
// repeats.
func (d *decoder) value(field int32, item bool, parent Ref, key int32) bool {
	r := d.push(field, parent, key)
	if int(r) >= d.lim.Values {
		d.fault(RuleValues, parent, d.pos, "", limitParams(d.lim.Values))
		return false
	}
	if d.pos == len(d.src) {
		return d.unclosed(parent)
	}
	c := d.src[d.pos]
	var f *slot
	if field >= 0 {
		f = d.expect(&d.slots[field], item, c, r)
	}
	ok := true
	switch {
	case c == '{':
		ok = d.object(f, r)
	case c == '[':
		ok = d.array(f, field, r)
	case c == '"':
		var escaped bool
		if escaped, ok = d.str(r); ok {
			d.values[r].typ, d.values[r].escaped = TypeString, escaped
			if f != nil {
				d.checkString(f, field, r, escaped)
			}
		}
	case c == '-' || c >= '0' && c <= '9':
		d.values[r].typ = TypeNumber
		d.number(r)
	default:
		ok = d.word(r)
	}
	v := &d.values[r]
	v.end, v.next = int32(d.pos), Ref(len(d.values))
	return ok
}

// expect compares the JSON type that c begins with what the field wants, and
// gives the slot to go on with: nil where the value cannot be judged further.
func (d *decoder) expect(f *slot, item bool, c byte, r Ref) *slot {
	if kindOf(c) == f.kind && (item || f.flags&slotRepeats == 0) {
		return f
	}
	fd := d.fields[d.values[r].field]
	switch {
	case f.root:
		d.fault(RuleRootType, r, d.pos, "", typeParams(fd, c))
		return nil
	case c == 'n':
		d.fault(RuleNull, r, d.pos, "", fd.params)
		return nil
	case c == '[' && item:
		d.fault(RuleType, r, d.pos, "", typeParams(fd, c))
		return nil
	case c == '[' && fd.Repeats:
		return f
	case c == '[':
		d.fault(RuleRepeatNotAllowed, r, d.pos, "", fd.params)
		return f
	case kindOf(c) != f.kind:
		d.fault(RuleType, r, d.pos, "", typeParams(fd, c))
		return nil
	}
	d.fault(RuleRepeatArray, r, d.pos, "", fd.params) // one value where a list is wanted
	return f
}

func kindOf(c byte) Kind {
	switch c {
	case '{':
		return Object
	case '"':
		return String
	case 't', 'f':
		return Boolean
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return Number
	}
	return 0
}

func (d *decoder) enter(r Ref) bool {
	d.depth++
	if d.depth > d.lim.Depth {
		d.fault(RuleDepth, r, d.pos, "", limitParams(d.lim.Depth))
		return false
	}
	return true
}

func (d *decoder) unclosed(open Ref) bool {
	d.fault(RuleUnclosed, open, d.pos, "", nil)
	return false
}

func (d *decoder) syntax(at Ref, expected string) bool {
	p := append(foundParams(d.src[d.pos:]), finding.P("expected", expected))
	d.fault(RuleSyntax, at, d.pos, "", p)
	return false
}

func (d *decoder) array(f *slot, field int32, r Ref) bool {
	d.values[r].typ = TypeArray
	if !d.enter(r) {
		return false
	}
	d.pos++
	d.space()
	if f == nil {
		field = -1
	}
	n := int32(0)
	if d.pos < len(d.src) && d.src[d.pos] == ']' {
		d.pos++
		return d.closeArray(f, r, 0)
	}
	for {
		if !d.value(field, true, r, n) {
			return false
		}
		n++
		d.space()
		more, ok := d.separator(r, ']')
		if !ok {
			return false
		}
		if !more {
			return d.closeArray(f, r, int(n))
		}
	}
}

func (d *decoder) closeArray(f *slot, r Ref, n int) bool {
	d.depth--
	if f != nil && f.flags&slotRepeats != 0 && n < int(f.minItems) {
		d.fault(RuleRepeatMin, r, int(d.values[r].start), "", minParams(d.fields[d.values[r].field], n))
	}
	return true
}

// separator reads the comma before a further member, or the closing bracket. A
// comma too many or too few is told and passed over.
func (d *decoder) separator(r Ref, closing byte) (more, ok bool) {
	if d.pos == len(d.src) {
		return false, d.unclosed(r)
	}
	c := d.src[d.pos]
	switch {
	case c == ',':
		d.pos++
		d.space()
		if d.pos < len(d.src) && d.src[d.pos] == closing {
			d.fault(RuleComma, r, d.pos, "", nil)
			d.pos++
			return false, true
		}
		return true, true
	case c == closing:
		d.pos++
		return false, true
	case c == '"' || closing == ']' && (kindOf(c) != 0 || c == '[' || c == 'n'):
		d.fault(RuleComma, r, d.pos, "", nil)
		return true, true
	}
	return false, d.syntax(r, ", "+string(closing))
}

func (d *decoder) object(f *slot, r Ref) bool {
	d.values[r].typ = TypeObject
	if !d.enter(r) {
		return false
	}
	d.pos++
	d.space()
	var m members
	m.init(f)
	if d.pos < len(d.src) && d.src[d.pos] == '}' {
		d.pos++
		d.closeObject(f, r, &m)
		return true
	}
	for {
		if !d.member(f, r, &m) {
			return false
		}
		d.space()
		more, ok := d.separator(r, '}')
		if !ok {
			return false
		}
		if !more {
			d.closeObject(f, r, &m)
			return true
		}
	}
}

// member reads "key": value.
func (d *decoder) member(f *slot, r Ref, m *members) bool {
	if d.pos == len(d.src) {
		return d.unclosed(r)
	}
	if d.src[d.pos] != '"' {
		return d.syntax(r, `"`)
	}
	keyAt := d.pos
	escaped, ok := d.str(r)
	if !ok {
		return false
	}
	key := d.src[keyAt+1 : d.pos-1]
	if escaped {
		key = unescape(key)
	}
	d.space()
	if d.pos == len(d.src) {
		return d.unclosed(r)
	}
	if d.src[d.pos] != ':' {
		return d.syntax(r, ":")
	}
	d.pos++
	d.space()
	field := d.key(f, r, m, key, keyAt)
	return d.value(field, false, r, int32(keyAt))
}

// key finds the field of a key, -1 for none, and tells a key that is unknown or
// stands twice. The value that follows will be the next one pushed.
func (d *decoder) key(f *slot, r Ref, m *members, key []byte, keyAt int) int32 {
	at := Ref(len(d.values))
	if f != nil {
		fields := d.slots[f.first : f.first+int32(f.n)]
		if i := m.find(fields, key); i >= 0 {
			field := f.first + int32(i)
			if m.mark(i) {
				d.fault(RuleDuplicateKey, at, keyAt, "", d.fields[field].params)
			} else if fields[i].flags&slotRequired != 0 {
				m.required++
			}
			return field
		}
	}
	if m.extra(key) {
		d.fault(RuleDuplicateKey, at, keyAt, "", keyParams(key))
	}
	switch {
	case f == nil || f.flags&slotOpen != 0:
	case f.root:
		x := m.unusual()
		x.strangers++
		if x.strangers == 1 {
			x.stranger, x.strangerAt = at, keyAt
		} else {
			d.unknownKey(at, keyAt, key)
		}
	default:
		d.unknownKey(at, keyAt, key)
	}
	return -1
}

func (d *decoder) unknownKey(at Ref, keyAt int, key []byte) {
	d.fault(RuleFieldUnknown, at, keyAt, shownKey(string(key)), keyParams(key))
}

func (d *decoder) closeObject(f *slot, r Ref, m *members) {
	d.depth--
	if f == nil {
		return
	}
	switch {
	case f.root:
		d.closeRoot(r, m)
	case int(m.required) < int(f.required):
		for i, c := range d.fields[d.values[r].field].Fields {
			if c.Obligation == Required && !m.has(i) {
				d.fault(missingRule(c), r, int(d.values[r].start), "", c.params)
			}
		}
	}
	if f.flags&slotConditions != 0 {
		d.conds = append(d.conds, r)
	}
}

// closeRoot judges the outermost object: one key of another name is a document
// of another structure, told once.
func (d *decoder) closeRoot(r Ref, m *members) {
	doc := d.fields[0].Fields[0]
	x := m.more
	switch {
	case x != nil && x.strangers > 0 && m.has(0):
		d.unknownKey(x.stranger, x.strangerAt, []byte(stringAt(d.src, x.strangerAt)))
	case x != nil && x.strangers > 0:
		d.fault(RuleRootName, x.stranger, x.strangerAt, shownKey(stringAt(d.src, x.strangerAt)), doc.params)
	case !m.has(0):
		d.fault(RuleRequiredMissing, r, int(d.values[r].start), "", doc.params)
	}
}

// missingRule gives the rule of a missing required field: parts of coded values,
// identifiers and quantities have their own.
func missingRule(f *Field) string {
	switch f.role {
	case systemRole:
		return RuleCodeSystemAbsent
	case codeRole:
		return RuleCodeAbsent
	case displayRole:
		return RuleDisplayAbsent
	case identifierRole:
		return RuleIDValueAbsent
	case quantityRole:
		return RuleQuantityAbsent
	case unitRole:
		return RuleUnitAbsent
	}
	return RuleRequiredMissing
}
