package store

import (
	"slices"
	"testing"
)

// TestTEST5_TryLeavesNothingBehind: what would be archived, what is there already
// and what is refused are told as Archive tells them, and no table grows.
func TestTEST5_TryLeavesNothingBehind(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	mustArchive(t, s, a)
	rows := func() (out []int64) {
		for _, table := range []string{"documents", "bodies", "leaves", "usage_log", "message_log"} {
			out = append(out, count(t, s, "SELECT count(*) FROM "+table))
		}
		return out
	}
	before := rows()
	b := next(a, id(2))
	wrong := b
	wrong.Version = 7
	for _, c := range []struct {
		name string
		a    Archival
		kind OutcomeKind
		rule string
	}{
		{"new", b, Archived, ""}, {"there already", a, Duplicate, ""}, {"refused", wrong, Refused, RuleVersionNumber},
	} {
		out, err := s.Try(bg, c.a)
		if err != nil || out.Kind != c.kind || out.Leaf != -1 {
			t.Fatalf("%s: %+v, %v", c.name, out, err)
		}
		if c.rule != "" && (len(out.Findings) != 1 || out.Findings[0].Rule != c.rule) {
			t.Errorf("%s: %v", c.name, out.Findings)
		}
	}
	if after := rows(); !slices.Equal(before, after) {
		t.Errorf("rows %v, before %v", after, before)
	}
	mustArchive(t, s, b)
	if r, err := s.Check(bg); err != nil || !r.OK() {
		t.Errorf("check: %+v, %v", r, err)
	}
}
