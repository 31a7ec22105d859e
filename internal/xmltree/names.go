package xmltree

import (
	"hash/maphash"
	"unicode/utf8"
	"unsafe"
)

// The namespaces that are bound without a declaration (Namespaces, 3).
const (
	NamespaceXML   = "http://www.w3.org/XML/1998/namespace"
	NamespaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

// Ids that every parse begins with.
const (
	qEmpty, qXMLNS, qXML = 0, 1, 2 // qnames "", "xmlns", "xml"
	uriNone              = 0
	uriXML, uriXMLNS     = 1, 2
	unbound              = -1
	reserved             = 3 // of each
)

// seed makes hash values unpredictable for the sender, so that names cannot be
// chosen to collide. It has no influence on results.
var seed = maphash.MakeSeed()

// view makes a string of bytes that nobody changes.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// table interns byte strings: id by first appearance, open addressing.
type table struct {
	slots []slot
	n     int
}

type slot struct {
	hash uint32
	id   int32 // id+1; 0 is free
}

func newTable(slots int) table { return table{slots: make([]slot, slots)} }

// grow doubles the table; hashes are kept in the slots, so no key is read again.
func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, 2*len(old))
	mask := uint32(len(t.slots) - 1)
	for _, s := range old {
		if s.id == 0 {
			continue
		}
		i := s.hash & mask
		for t.slots[i].id != 0 {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}

// put takes the free slot i for id.
func (t *table) put(i, hash uint32, id int32) {
	t.slots[i] = slot{hash, id + 1}
	if t.n++; 2*t.n > len(t.slots) {
		t.grow()
	}
}

// qname is a distinct name as written, and, where it serves as a prefix, what the
// prefix is bound to at the parser's place.
type qname struct {
	raw     string
	prefix  int32 // qname of the prefix; qEmpty without
	local   int32 // qname of the local part; itself without a prefix
	attr    int32 // name of the unprefixed attribute, or unbound until needed
	uri     int32 // namespace of the last resolution
	name    int32 // and its result
	bound   int32 // namespace this prefix is bound to, or unbound
	nsStamp Node  // last element that declared this prefix
}

// name is a distinct name with its namespace: what the tree keeps.
type name struct {
	raw, local, space string
	same              int32 // the same local name and namespace without a prefix: equal for equal expanded names
	localID           int32
	stamp             Node // last element with this attribute; parser only
}

func (x *name) prefix() string {
	if len(x.raw) == len(x.local) {
		return ""
	}
	return x.raw[:len(x.raw)-len(x.local)-1]
}

// names holds the interning state of one parse.
type names struct {
	lim    Limits
	q      []qname
	qTab   table
	uris   []string
	uriTab table
	pairs  table // (qname, uri) → name
	pair   []uint64
	out    []name
}

func newNames(lim Limits) *names {
	x := &names{
		lim: lim, q: make([]qname, 0, 128), qTab: newTable(256),
		uriTab: newTable(32), pairs: newTable(256),
		pair: make([]uint64, 0, 128), out: make([]name, 0, 128),
	}
	for _, s := range []string{"", "xmlns", "xml"} {
		x.addQ(s, uint32(maphash.String(seed, s)))
	}
	for _, s := range []string{"", NamespaceXML, NamespaceXMLNS} {
		x.uri([]byte(s))
	}
	x.q[qEmpty].bound, x.q[qXML].bound, x.q[qXMLNS].bound = uriNone, uriXML, uriXMLNS
	return x
}

// addQ appends an unprefixed qname and enters it in the table.
func (x *names) addQ(raw string, hash uint32) int32 {
	id := int32(len(x.q))
	x.q = append(x.q, qname{
		raw: raw, local: id, attr: unbound, uri: unbound, bound: unbound, nsStamp: None,
	})
	mask := uint32(len(x.qTab.slots) - 1)
	i := hash & mask
	for x.qTab.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	x.qTab.put(i, hash, id)
	return id
}

// intern gives the qname of b, which stands at off. Whether b is a QName is
// checked when it is first seen (Namespaces, 4).
func (x *names) intern(b []byte, off int) (int32, error) {
	hash := uint32(maphash.Bytes(seed, b))
	mask := uint32(len(x.qTab.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := x.qTab.slots[i]
		if s.id == 0 {
			return x.internNew(b, off, hash)
		}
		if s.hash == hash && x.q[s.id-1].raw == string(b) {
			return s.id - 1, nil
		}
	}
}

func (x *names) internNew(b []byte, off int, hash uint32) (int32, error) {
	if len(b) > x.lim.Name {
		return 0, failf(off, CodeNameLen, "a name is longer than %d bytes", x.lim.Name)
	}
	if len(x.q)-reserved >= x.lim.Names {
		return 0, failf(off, CodeNames, "more than %d distinct names", x.lim.Names)
	}
	colon, err := checkQName(b, off)
	if err != nil {
		return 0, err
	}
	id := x.addQ(view(b), hash)
	if colon < 0 {
		return id, nil
	}
	prefix, err := x.intern(b[:colon], off)
	if err != nil {
		return 0, err
	}
	local, err := x.intern(b[colon+1:], off+colon+1)
	if err != nil {
		return 0, err
	}
	x.q[id].prefix, x.q[id].local = prefix, local
	return id, nil
}

// checkQName checks characters (XML 1.0, 2.3) and colons, and gives the colon's
// index or -1.
func checkQName(b []byte, off int) (colon int, err error) {
	colon = -1
	first := true
	for i := 0; i < len(b); {
		r, n := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(b[i:])
		}
		switch {
		case r == ':' && (colon >= 0 || first || i == len(b)-1):
			return 0, failf(off+i, CodeQName, "the name %s has a colon at a wrong place", clip(b))
		case r == ':':
			colon, first = i, true
			i++
			continue
		case first && !isNameStart(r) && isNameChar(r):
			return 0, failf(off+i, CodeName, "the name %s does not begin with a letter", clip(b))
		case !isNameChar(r):
			return 0, failf(off+i, CodeName, "a name holds a character that is not allowed (U+%04X)", r)
		}
		first = false
		i += n
	}
	return colon, nil
}

// uri interns a namespace name. Its string is a copy.
func (x *names) uri(b []byte) int32 {
	hash := uint32(maphash.Bytes(seed, b))
	mask := uint32(len(x.uriTab.slots) - 1)
	i := hash & mask
	for ; x.uriTab.slots[i].id != 0; i = (i + 1) & mask {
		if s := x.uriTab.slots[i]; s.hash == hash && x.uris[s.id-1] == string(b) {
			return s.id - 1
		}
	}
	id := int32(len(x.uris))
	x.uris = append(x.uris, string(b))
	x.uriTab.put(i, hash, id)
	return id
}

// resolve gives the name of qname id in namespace uri.
func (x *names) resolve(id, uri int32) int32 {
	key := uint64(uint32(id))<<32 | uint64(uint32(uri))
	hash := uint32(maphash.Comparable(seed, key))
	mask := uint32(len(x.pairs.slots) - 1)
	i := hash & mask
	for ; x.pairs.slots[i].id != 0; i = (i + 1) & mask {
		if s := x.pairs.slots[i]; s.hash == hash && x.pair[s.id-1] == key {
			return s.id - 1
		}
	}
	n := int32(len(x.out))
	q := &x.q[id]
	x.pair = append(x.pair, key)
	x.out = append(x.out, name{
		raw: q.raw, local: x.q[q.local].raw, space: x.uris[uri],
		same: n, localID: q.local, stamp: None,
	})
	x.pairs.put(i, hash, n)
	if q.local != id {
		same := x.resolve(q.local, uri)
		x.out[n].same = same
	}
	return n
}

// element resolves an element's name, -1 where its prefix is not declared
// (Namespaces, 6.2: the default namespace applies).
func (x *names) element(id int32) int32 {
	q := &x.q[id]
	uri := x.q[q.prefix].bound
	if uri == q.uri && uri != unbound {
		return q.name
	}
	if uri == unbound {
		return unbound
	}
	n := x.resolve(id, uri)
	q.uri, q.name = uri, n
	return n
}

// attribute resolves an attribute's name likewise; without a prefix it has no
// namespace.
func (x *names) attribute(id int32) int32 {
	q := &x.q[id]
	if q.prefix != qEmpty {
		return x.element(id)
	}
	if q.attr == unbound {
		q.attr = x.resolve(id, uriNone)
	}
	return q.attr
}
