package store

import (
	"bytes"
	"testing"
)

func TestARK1_ArchivedDocumentComesBackByteForByte(t *testing.T) {
	s := open(t)
	for i, size := range []int{1, 127, 128, 20_000, 2_000_000} {
		a := docSize(id(i), size)
		out := mustArchive(t, s, a)
		if out.Leaf < 0 || out.Arrived.IsZero() {
			t.Fatalf("outcome %+v", out)
		}
		wantBytes(t, s, a)
		f, err := s.Frame(bg, inA, a.ID)
		if err != nil || !bytes.Equal(f, a.Frame) {
			t.Fatalf("frame comes back changed: %v", err)
		}
	}
}

func TestSEC2_SameDocumentAgainGivesTheSameAnswer(t *testing.T) {
	s := open(t)
	a := doc(id(1))
	a.Message.Findings = []byte(`[{"rule":"X"}]`)
	first := mustArchive(t, s, a)
	a.Message.ID = "m-again"
	var answered Outcome
	a.Answer = func(o Outcome) Answer { answered = o; return Answer{Verdict: o.Receipt.Verdict} }
	again := archive(t, s, a)
	if again.Kind != Duplicate || !again.Arrived.Equal(first.Arrived) || again.Leaf != first.Leaf {
		t.Fatalf("again: %+v, first: %+v", again, first)
	}
	if again.Receipt.Verdict != "CA" || string(again.Receipt.Findings) != `[{"rule":"X"}]` || again.Receipt.MessageID != "m-"+a.ID {
		t.Fatalf("receipt %+v", again.Receipt)
	}
	if answered.Kind != Duplicate {
		t.Fatalf("Answer was asked for %+v", answered)
	}
	if n := count(t, s, `SELECT count(*) FROM documents`); n != 1 {
		t.Fatalf("%d documents", n)
	}
}
