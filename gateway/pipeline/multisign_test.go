package pipeline

import (
	"context"
	"slices"
	"testing"
	"time"

	"portti/fixtures"
	"portti/internal/finding"
	"portti/store"
)

// SIG-2, interface 7.4: what a multi-document signature says of the other documents is
// held against the archive where it has them, and only there; the same at the SOAP door
// and in a trial.
func TestSIG2_ListedDocumentsAreHeldAgainstTheArchive(t *testing.T) {
	w := fixtures.Default()
	multi := w.Doc("note-multi")
	other := multi.Spec.Together[0]
	changed := other.Spec
	changed.OID, changed.Text = other.OID, "toinen sisältö"
	forged, err := w.Build(changed)
	if err != nil {
		t.Fatal(err)
	}
	send := func(p *Pipeline, d *fixtures.Document) Answer {
		return p.Handle(context.Background(), request(string(w.Frame(d))))
	}
	for name, c := range map[string]struct {
		before  *fixtures.Document
		refused bool
	}{"not there": {nil, false}, "the same": {other, false}, "another body": {forged, true}} {
		t.Run(name, func(t *testing.T) {
			st, err := store.Open(context.Background(), store.Options{Dir: t.TempDir(), Now: func() time.Time { return w.Now }})
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := st.Close(); err != nil {
					t.Error(err)
				}
			}()
			p := testPipeline(t, st, accessFunc(anybody))
			p.Library = st
			if c.before != nil {
				if a := send(p, c.before); a.Report.Verdict != Accepted {
					t.Fatalf("%s\n%s", a.Report.Verdict, a.Body)
				}
			}
			if found := tried(t, p, st, multi); (len(found) == 1) != c.refused {
				t.Errorf("a trial finds %v", found)
			} else if c.refused && (found[0].Value != other.OID || found[0].Line == 0 || found[0].Source != finding.SourceDocument) {
				t.Errorf("found %+v", found[0])
			}
			a := send(p, multi)
			if refused := a.Report.Verdict == AtFault && slices.Contains(a.Report.Rules, RuleListArchived); refused != c.refused || !refused && a.Report.Verdict != Accepted {
				t.Errorf("%s: %v\n%s", a.Report.Verdict, a.Report.Rules, a.Body)
			}
		})
	}
}

// tried gives what Try finds of the list.
func tried(t *testing.T, p *Pipeline, st *store.Store, d *fixtures.Document) (out []finding.Finding) {
	t.Helper()
	m := &message{Pipeline: p, req: request(string(fixtures.Default().Frame(d))), watch: newStopwatch()}
	if m.envelope() != nil || m.readFrame() != nil {
		t.Fatal("the frame does not read")
	}
	m.document()
	fs, err := Try(context.Background(), p.Judge, p.Access, st, Trial{Frame: m.frame, Judged: m.judged, Arrived: m.req.Arrived})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fs {
		if f.Rule == RuleListArchived {
			out = append(out, f)
		}
	}
	return out
}
