package sosmeta

import (
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Ref names a value of an Instance: an index in document order. The root is 0.
type Ref int32

// None is the absent value.
const None Ref = -1

// Type is the JSON type of a decoded value.
type Type uint8

// The JSON types.
const (
	TypeNull Type = iota
	TypeFalse
	TypeTrue
	TypeNumber
	TypeString
	TypeArray
	TypeObject
)

// String gives JSON's word for the type.
func (t Type) String() string {
	return [...]string{"null", "boolean", "boolean", "number", "string", "array", "object"}[t]
}

// value is one node of the flat tree, in document order.
type value struct {
	start, end int32 // byte offsets of the value, end exclusive
	key        int32 // offset of the key's opening quote in an object, index in an array
	parent     Ref
	next       Ref   // first value after this one's subtree
	field      int32 // index of the Field it was checked against, or -1
	typ        Type
	escaped    bool // a string with escapes
}

// Instance is a decoded JSON document: a flat tree over the original bytes. It
// is read-only and safe for concurrent use.
type Instance struct {
	src    []byte
	values []value
	slots  []slot
	fields []*Field
}

// Len gives the number of values.
func (in *Instance) Len() int { return len(in.values) }

// Root gives the outermost value, or None where there is none.
func (in *Instance) Root() Ref {
	if len(in.values) == 0 {
		return None
	}
	return 0
}

// Type gives the value's JSON type.
func (in *Instance) Type(r Ref) Type { return in.values[r].typ }

// Parent gives the object or array that holds the value, None for the root.
func (in *Instance) Parent(r Ref) Ref { return in.values[r].parent }

// Field gives the definition that the value was checked against, or nil.
func (in *Instance) Field(r Ref) *Field {
	if i := in.values[r].field; i >= 0 {
		return in.fields[i]
	}
	return nil
}

// Children walks the values of an object or array.
func (in *Instance) Children(r Ref) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		if in.values[r].typ < TypeArray {
			return
		}
		for c, end := r+1, in.values[r].next; c < end; c = in.values[c].next {
			if !yield(c) {
				return
			}
		}
	}
}

// Key gives the key under which the value stands in its object, "" elsewhere.
func (in *Instance) Key(r Ref) string {
	v := &in.values[r]
	if v.parent == None || in.values[v.parent].typ != TypeObject {
		return ""
	}
	if v.field >= 0 {
		return in.slots[v.field].key
	}
	return stringAt(in.src, int(v.key))
}

// Get gives an object's value under key (the first, where it stands twice), or None.
func (in *Instance) Get(r Ref, key string) Ref {
	if r == None || in.values[r].typ != TypeObject {
		return None
	}
	for c := range in.Children(r) {
		if in.Key(c) == key {
			return c
		}
	}
	return None
}

// Path follows keys down from r and gives the value there, or None.
func (in *Instance) Path(r Ref, keys ...string) Ref {
	for _, k := range keys {
		r = in.Get(r, k)
	}
	return r
}

// Raw gives the value's bytes as they stand. The caller must not change them.
func (in *Instance) Raw(r Ref) []byte { return in.src[in.values[r].start:in.values[r].end] }

// Text gives a string's text with its escapes resolved, a number's or literal's
// spelling, and "" for objects, arrays, null and None.
func (in *Instance) Text(r Ref) string {
	if r == None {
		return ""
	}
	switch v := &in.values[r]; v.typ {
	case TypeString:
		return string(in.text(r))
	case TypeNumber, TypeTrue, TypeFalse:
		return string(in.src[v.start:v.end])
	}
	return ""
}

// text gives a string's text, without copying where nothing is escaped.
func (in *Instance) text(r Ref) []byte {
	v := &in.values[r]
	b := in.src[v.start+1 : v.end-1]
	if !v.escaped {
		return b
	}
	return unescape(b)
}

// stringAt gives the text of the string whose opening quote stands at off.
func stringAt(src []byte, off int) string {
	i := off + 1
	escaped := false
	for i < len(src) && src[i] != '"' {
		if src[i] == '\\' {
			escaped = true
			i++
		}
		i++
	}
	b := src[off+1 : min(i, len(src))]
	if escaped {
		b = unescape(b)
	}
	return string(b)
}

// Pointer gives the value's JSON pointer (RFC 6901), "" for the root. A key that
// might be personal data (see shownKey) is shown as "…".
func (in *Instance) Pointer(r Ref) string {
	return string(in.appendPointer(make([]byte, 0, 96), r))
}

func (in *Instance) appendPointer(b []byte, r Ref) []byte {
	v := &in.values[r]
	if v.parent == None {
		return b
	}
	b = append(in.appendPointer(b, v.parent), '/')
	if in.values[v.parent].typ == TypeArray {
		return strconv.AppendInt(b, int64(v.key), 10)
	}
	if v.field >= 0 {
		return appendToken(b, in.slots[v.field].key)
	}
	return appendToken(b, shownKey(stringAt(in.src, int(v.key))))
}

func appendToken(b []byte, key string) []byte {
	if strings.IndexByte(key, '~') >= 0 || strings.IndexByte(key, '/') >= 0 {
		key = strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	}
	return append(b, key...)
}

// shownKey gives an unknown key for messages. Keys are names made by programs;
// one that is long, holds control characters or six digits might be something
// else, even an identity code, and is shown as "…" only.
func shownKey(key string) string {
	run := 0
	for _, r := range key {
		if r >= '0' && r <= '9' {
			run++
		} else {
			run = 0
		}
		if run >= 6 || r < ' ' {
			return "…"
		}
	}
	if utf8.RuneCountInString(key) > 120 {
		return "…"
	}
	return key
}
