package sosmeta

import (
	"slices"
	"strings"
	"time"
)

// judge tells what of the condition is not met at object r.
func (b *boundCondition) judge(in *Instance, r Ref, tell func(violation)) {
	for _, p := range b.when {
		if !p.holds(in, r) {
			return
		}
	}
	if b.each == nil {
		b.expectAt(in, r, tell)
		return
	}
	in.walk(r, b.each, func(o Ref) bool {
		if in.Type(o) == TypeObject {
			b.expectAt(in, o, tell)
		}
		return true
	})
}

func (b *boundCondition) expectAt(in *Instance, r Ref, tell func(violation)) {
	fail := func(f []*Field, ref Ref) { tell(violation{b, r, f, ref}) }
	for _, f := range b.all {
		if in.first(r, f) == None {
			fail(f, None)
		}
	}
	if len(b.any) > 0 && in.count(r, b.any) == 0 {
		fail(b.any[0], None)
	}
	if n := in.count(r, b.one); n > 1 {
		last := b.one[len(b.one)-1]
		for _, f := range b.one {
			if in.first(r, f) != None {
				last = f
			}
		}
		fail(last, in.first(r, last))
	}
	for _, f := range b.none {
		if ref := in.first(r, f); ref != None {
			fail(f, ref)
		}
	}
	if len(b.isTrue) > 0 && !in.anyTrue(r, b.isTrue) {
		fail(b.isTrue[0], None)
	}
	b.expectValues(in, r, fail)
}

// expectValues judges what values the fields have.
func (b *boundCondition) expectValues(in *Instance, r Ref, fail func([]*Field, Ref)) {
	if b.codes != nil {
		in.walk(r, b.codes, func(v Ref) bool {
			if code := in.Text(in.Get(v, "code")); code != "" && !slices.Contains(b.Expect.Codes.Among, code) {
				fail(b.codes, v)
			}
			return true
		})
	}
	if b.order != nil {
		first, second := in.first(r, b.order[0]), in.first(r, b.order[1])
		if first != None && second != None && after(in.Text(first), in.Text(second)) {
			fail(b.order[1], second)
		}
	}
	if b.most != nil {
		n := 0
		in.walk(r, b.most, func(v Ref) bool {
			if n++; n == b.Expect.Most.Count+1 {
				fail(b.most, v)
			}
			return true
		})
	}
}

func (p *boundPredicate) holds(in *Instance, r Ref) bool {
	switch {
	case p.Is != nil:
		want := TypeFalse
		if *p.Is {
			want = TypeTrue
		}
		return in.some(r, p.path, func(v Ref) bool { return in.Type(v) == want })
	case p.Not:
		return !in.some(r, p.path, func(v Ref) bool { return in.Type(v) == TypeTrue })
	case p.Present != nil:
		return (in.first(r, p.path) != None) == *p.Present
	case p.Code != nil:
		return in.some(r, p.path, func(v Ref) bool { return slices.Contains(p.Code, in.Text(in.Get(v, "code"))) })
	case p.NoCode != nil:
		return !in.some(r, p.path, func(v Ref) bool { return slices.Contains(p.NoCode, in.Text(in.Get(v, "code"))) })
	case p.Display != nil:
		return in.some(r, p.path, func(v Ref) bool {
			return slices.Contains(p.Display, strings.ToLower(strings.TrimSpace(in.Text(in.Get(v, "display")))))
		})
	}
	return false
}

// walk visits the values at a path of fields below an object, through arrays,
// until visit returns false; it tells whether it came to the end.
func (in *Instance) walk(r Ref, path []*Field, visit func(Ref) bool) bool {
	if len(path) == 0 {
		return visit(r)
	}
	if in.values[r].typ != TypeObject {
		return true
	}
	for c := range in.Children(r) {
		if in.values[c].field != path[0].index {
			continue
		}
		if in.values[c].typ != TypeArray {
			if !in.walk(c, path[1:], visit) {
				return false
			}
			continue
		}
		for item := range in.Children(c) {
			if !in.walk(item, path[1:], visit) {
				return false
			}
		}
	}
	return true
}

func (in *Instance) some(r Ref, path []*Field, test func(Ref) bool) bool {
	return !in.walk(r, path, func(v Ref) bool { return !test(v) })
}

// first gives the first value at the path that says something: not null, no
// empty text. An empty array has no values.
func (in *Instance) first(r Ref, path []*Field) Ref {
	found := None
	in.walk(r, path, func(v Ref) bool {
		if x := &in.values[v]; x.typ == TypeNull || x.typ == TypeString && x.end-x.start == 2 {
			return true
		}
		found = v
		return false
	})
	return found
}

func (in *Instance) count(r Ref, paths [][]*Field) int {
	n := 0
	for _, p := range paths {
		if in.first(r, p) != None {
			n++
		}
	}
	return n
}

func (in *Instance) anyTrue(r Ref, paths [][]*Field) bool {
	for _, p := range paths {
		if in.some(r, p, func(v Ref) bool { return in.values[v].typ == TypeTrue }) {
			return true
		}
	}
	return false
}

// after tells whether date or time a is surely after b. Times of different
// precision are compared by what both tell.
func after(a, b string) bool {
	ta, errA := time.Parse(time.RFC3339, a)
	tb, errB := time.Parse(time.RFC3339, b)
	if errA == nil && errB == nil {
		return ta.After(tb)
	}
	n := min(len(a), len(b), len("2006-01-02"))
	if n < 4 || a[0] == '-' || b[0] == '-' {
		return false
	}
	return a[:n] > b[:n]
}
