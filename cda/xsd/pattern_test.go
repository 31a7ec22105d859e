package xsd

import (
	"regexp/syntax"
	"testing"
)

// oneUnambiguous tells whether a pattern can be matched without ever having two ways
// to go on: then matching takes linear time whatever the value.
func oneUnambiguous(tb testing.TB, pattern string) bool {
	tb.Helper()
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		tb.Fatalf("%s: %v", pattern, err)
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		tb.Fatalf("%s: %v", pattern, err)
	}
	seen := map[uint32]bool{}
	todo := []uint32{uint32(prog.Start)}
	for len(todo) > 0 {
		pc := todo[0]
		todo = todo[1:]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		steps := closure(prog, pc, map[uint32]bool{})
		for i, a := range steps {
			for _, b := range steps[:i] {
				if overlap(&prog.Inst[a], &prog.Inst[b]) {
					return false
				}
			}
			todo = append(todo, prog.Inst[a].Out)
		}
	}
	return true
}

// closure gives the instructions that can take the next character after pc.
func closure(prog *syntax.Prog, pc uint32, seen map[uint32]bool) []uint32 {
	if seen[pc] {
		return nil
	}
	seen[pc] = true
	switch i := &prog.Inst[pc]; i.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		return append(closure(prog, i.Out, seen), closure(prog, i.Arg, seen)...)
	case syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
		return closure(prog, i.Out, seen)
	case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		return []uint32{pc}
	}
	return nil
}

// overlap tells whether two instructions take a character in common; the patterns
// here are of ASCII or its complement.
func overlap(a, b *syntax.Inst) bool {
	for r := rune(0); r < 256; r++ {
		if a.MatchRune(r) && b.MatchRune(r) {
			return true
		}
	}
	return false
}

func TestOneUnambiguous(t *testing.T) {
	for pattern, want := range map[string]bool{
		`[0-2](\.(0|[1-9][0-9]*))+`: true, `[^\s]+`: true, `a(b|c)?d`: true,
		`(ab|[a-c]c)`: false, `(a|b)*a`: false, `[0-9]+[0-9]`: false, `(a*)*b`: true,
	} {
		if got := oneUnambiguous(t, pattern); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}
