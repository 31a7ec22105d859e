package xmltree

import "math"

// Limits bound what Parse takes. A zero field means its default.
type Limits struct {
	Bytes int // size of the source in bytes; default 20 MB
	Depth int // depth of nested elements, the root being 1; default 256
	Attrs int // attributes and namespace declarations of one element; default 256
	Name  int // length of a name with its prefix in bytes of UTF-8; default 1,000
	Text  int // length of one text, attribute value, comment or instruction as written, in bytes of UTF-8; default Bytes
	Nodes int // nodes without attributes; default 2,000,000
	Names int // distinct names, prefixes and local parts and, apart, distinct namespace names; default 50,000
}

// DefaultLimits are the limits of a CDA document: 20 MB (20 * 1024 * 1024 bytes).
func DefaultLimits() Limits {
	return Limits{
		Bytes: 20 << 20, Depth: 256, Attrs: 256, Name: 1000,
		Text: 20 << 20, Nodes: 2_000_000, Names: 50_000,
	}
}

// maxBytes keeps every offset, also after decoding from ISO-8859-1 (at most two
// bytes for one), within an int32.
const maxBytes = math.MaxInt32/2 - 16

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	set := func(v *int, def, most int) {
		if *v <= 0 {
			*v = def
		}
		*v = min(*v, most)
	}
	set(&l.Bytes, d.Bytes, maxBytes)
	set(&l.Depth, d.Depth, math.MaxInt32)
	set(&l.Attrs, d.Attrs, math.MaxInt32)
	set(&l.Name, d.Name, math.MaxInt32)
	set(&l.Text, l.Bytes, math.MaxInt32)
	set(&l.Nodes, d.Nodes, math.MaxInt32-1)
	set(&l.Names, d.Names, math.MaxInt32-16)
	return l
}
