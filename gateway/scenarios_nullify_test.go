package gateway

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/store"
)

// nullified demands what must hold of a nullified document.
func (g *gate) nullified(d *fixtures.Document, versions ...string) {
	g.t.Helper()
	g.has("ordinary query by client", asking(d.Spec.Controller, interactions.QueryMetadata, byClient(d.Spec.Clients[0]),
		by(interactions.FieldGroup, d.Group.Code)))
	for _, op := range []interactions.Operation{interactions.QueryMetadata, interactions.QueryDocument} {
		g.has("ordinary "+string(op), asking(d.Spec.Controller, op, byID(d.OID)...))
		got := g.has("own controller's "+string(op), asking(d.Spec.Controller, op,
			by(interactions.FieldSeries, d.SetID), flag(interactions.FieldNewest, false), flag(interactions.FieldNullified, true)), versions...)
		for _, x := range got.Documents {
			if x.Status.Code != "NULLIFIED" {
				g.t.Errorf("%s is %s", x.ID.Root, x.Status.Code)
			}
		}
		g.has("another controller's "+string(op), asking(world().Organisations[1], op, append(byID(d.OID), flag(interactions.FieldNullified, true))...))
	}
	g.refused(world().Frame(version(g.t, d, nil)), store.RuleNullified)
}

func nullifyByDocument(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "note")
	note := w.Doc("note")
	v2 := version(t, note, func(s *fixtures.Spec) { s.Nullify = true })
	frame := w.Frame(v2)
	g.accepted(frame)
	g.nullified(v2, note.OID, v2.OID)
	g.accepted(frame) // the same again
}

func nullifyAlone(t *testing.T, o fixtures.FrameOptions) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "note")
	note := w.Doc("note")
	o.Extension = "77001"
	r := g.accepted(w.FrameWith(note, o))
	if r.detail("NULLIFY-FORM-ASSUMED") == nil {
		t.Errorf("the assumption is not told: %v", r.rules())
	}
	g.nullified(note, note.OID)
	o.Extension = "77002"
	again := g.accepted(w.FrameWith(note, o))
	if !slices.Equal(again.rules(), r.rules()) {
		t.Errorf("the same again: %v, first %v", again.rules(), r.rules())
	}
	u := g.usage("nullify")
	if len(u) != 1 || u[0].DocumentID != note.OID || u[0].Client != note.Spec.Clients[0].Hetu {
		t.Errorf("usage log: %+v", u)
	}
}

func nullifyMistaken(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "note", "plan")
	note := w.Doc("note")
	send := func(change func(*fixtures.Document), rule string) {
		t.Helper()
		d := *note
		change(&d)
		g.refused(w.FrameWith(&d, fixtures.FrameOptions{NoText: true, Extension: fmt.Sprint(queryNumber.Add(1))}), rule)
	}
	send(func(d *fixtures.Document) { d.Spec.Clients = []*fixtures.Client{w.Client("mother")} }, "NULLIFY-CLIENT-DIFFERS")
	send(func(d *fixtures.Document) { d.SetID = w.Doc("plan").OID }, "NULLIFY-SETID-DIFFERS")
	send(func(d *fixtures.Document) { d.Version = 2 }, "NULLIFY-VERSION-DIFFERS")
	send(func(d *fixtures.Document) { d.OID = "1.2.246.10.99999901.95001.2026.1" }, store.RuleDocumentUnknown)
	send(func(d *fixtures.Document) { d.Spec.Controller = w.Organisations[1] }, store.RuleDocumentUnknown)
	g.has("the document after all that", asking(first(), interactions.QueryMetadata, byID(note.OID)...), note.OID)
	v2 := version(t, note, nil)
	g.accepted(w.Frame(v2))
	g.refused(w.FrameWith(note, fixtures.FrameOptions{NoText: true}), store.RuleNotNewest)
}

func nullifyFormOff(t *testing.T) {
	w := world()
	g := startWith(t, func(c *Config) {
		c.Book = bookWith(t, "nullifications:\n  - {form: frame, enabled: false, certainty: local, source: test}\n")
	}, "relationship-child", "case", "note")
	g.refused(w.FrameWith(w.Doc("note"), fixtures.FrameOptions{NoText: true}), "ACCESS-OPERATION-UNSUPPORTED")
	g.accepted(w.FrameWith(w.Doc("note"), fixtures.FrameOptions{NoText: true, Status: "NULLIFIED", Extension: "77003"}))
}

// A nullifying interaction of the user's own, without code.
func nullifyByOwnInteraction(t *testing.T) {
	w := world()
	g := startWith(t, func(c *Config) {
		c.Book = bookWith(t, `interactions:
  - {name: RCMR_IN200020FI01, domain: social, kind: store, operation: nullify, triggers: [RCMR_TE000920UV01], certainty: I, source: test}
service_requests:
  - {code: SP66, display: Oma, operations: [nullify], groups: [], interactions: [RCMR_IN200020FI01], certainty: I, source: test}
`)
	}, "relationship-child", "case", "note")
	text := string(w.FrameWith(w.Doc("note"), fixtures.FrameOptions{NoText: true, ServiceRequest: "SP66", Extension: "77010"}))
	text = strings.NewReplacer("RCMR_IN200016FI01", "RCMR_IN200020FI01", "RCMR_TE000910UV01", "RCMR_TE000920UV01").Replace(text)
	g.accepted([]byte(text))
	g.nullified(w.Doc("note"), w.Doc("note").OID)
}
