package fhir

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"slices"
	"strings"
	"unicode/utf8"

	"portti/internal/finding"
)

// element is a FHIR element, whichever of the two forms it came in.
type element struct {
	name string
	// kind is the resource's type, where the element holds a resource.
	kind  string
	value string
	kids  []*element
	// path is the FHIRPath expression from the root down.
	path      string
	line, col int
}

// place is where a finding about e points.
func (e *element) place() finding.Place {
	return finding.Place{Source: finding.SourceRequest, Line: e.line, Column: e.col, XPath: e.path}
}

// all gives the elements that a path of names leads to.
func (e *element) all(path ...string) []*element {
	at := []*element{e}
	for _, name := range path {
		var next []*element
		for _, x := range at {
			for _, k := range x.kids {
				if k.name == name {
					next = append(next, k)
				}
			}
		}
		at = next
	}
	return at
}

// first is the first of all, nil where there is none.
func (e *element) first(path ...string) *element {
	if xs := e.all(path...); len(xs) > 0 {
		return xs[0]
	}
	return nil
}

// text is the value of the first of all.
func (e *element) text(path ...string) string {
	if x := e.first(path...); x != nil {
		return x.value
	}
	return ""
}

// extension gives the extensions whose url ends in a name.
func (e *element) extension(name string) (out []*element) {
	for _, x := range e.all("extension") {
		if url := x.text("url"); url == name || strings.HasSuffix(url, "/"+name) {
			out = append(out, x)
		}
	}
	return out
}

// extensionValue is the value of an extension: its coded value's code, or the value itself.
func (e *element) extensionValue(name string) string {
	for _, x := range e.extension(name) {
		for _, k := range x.kids {
			switch {
			case !strings.HasPrefix(k.name, "value"):
			case k.value != "":
				return k.value
			default:
				for _, p := range [][]string{{"code"}, {"coding", "code"}, {"reference"}, {"text"}, {"display"}} {
					if v := k.text(p...); v != "" {
						return v
					}
				}
			}
		}
	}
	return ""
}

// number gives paths to the children of e: those of a name that can repeat are
// numbered, as FHIRPath does it.
func (e *element) number() {
	n := make(map[string]int)
	for _, k := range e.kids {
		n[k.name]++
	}
	seen := make(map[string]int)
	for _, k := range e.kids {
		k.path = e.path + "." + k.name
		if n[k.name] > 1 || repeats[k.name] {
			k.path += fmt.Sprintf("[%d]", seen[k.name])
			seen[k.name]++
		}
		k.number()
	}
}

// repeats are the elements that FHIR lets repeat, of those that matter here: they
// are numbered even where there is one.
var repeats = map[string]bool{"entry": true, "agent": true, "entity": true, "contained": true, "extension": true,
	"identifier": true, "coding": true, "target": true, "purposeOfEvent": true, "detail": true, "policy": true}

// sum is a hash over what an element says: the same in JSON and XML, and whatever
// the order of members.
func (e *element) sum() [sha256.Size]byte {
	h := sha256.New()
	e.hash(h)
	return [sha256.Size]byte(h.Sum(nil))
}

func (e *element) hash(h hash.Hash) {
	for _, s := range []string{e.name, e.kind, e.value} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(s))))
		h.Write([]byte(s))
	}
	kids := slices.Clone(e.kids)
	slices.SortStableFunc(kids, func(a, b *element) int { return strings.Compare(a.name, b.name) })
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(kids))))
	for _, k := range kids {
		k.hash(h)
	}
}

// lines tells line and column of ascending places in a text.
type lines struct {
	text      []byte
	off       int
	line, col int
}

func newLines(text []byte) *lines { return &lines{text: text, line: 1, col: 1} }

// at gives the 1-based line and column, in code points, of an offset not before the
// last one asked for.
func (l *lines) at(off int) (int, int) {
	for l.off < off && l.off < len(l.text) {
		r, n := utf8.DecodeRune(l.text[l.off:])
		l.off += n
		if l.col++; r == '\n' {
			l.line, l.col = l.line+1, 1
		}
	}
	return l.line, l.col
}
