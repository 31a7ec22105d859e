package gateway

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/store"
)

// documentScenarios are what the archive owes the kinds of documents, and what it does
// with those that it must not take.
var documentScenarios = []struct {
	id, name string
	try      func(*testing.T)
}{
	{"ARK-12", "patient data are refused", patientData},
	{"REK-5", "the controller is changed under control, and queries follow", controllerChanges},
	{"REK-6", "a document in the wrong register is found, flagged, reported and put right", wrongRegister},
	{"DOC-1", "an old document needs no case, and is disclosed by no permission", oldDocument},
	{"DOC-2", "a document of phase I until its day, versions of it after that", phaseOne},
	{"DOC-3", "a document of phase II without its specific type is refused", phaseTwo},
	{"DOC-4", "a body that is not what its structure says is refused", structured},
	{"DOC-11", "each document by the version of the structure that it names", structureVersions},
	{"DOC-12", "a PDF that is none, XHTML with a script, broken JSON", formats},
	{"LUO-6", "a disclosure notice is taken, and stands in the disclosure log", noticeTaken},
}

func TestDocumentScenarios(t *testing.T) {
	for _, s := range documentScenarios {
		t.Run(s.id+"/"+s.name, s.try)
	}
}

func patientData(t *testing.T) {
	all, err := world().Lookalikes()
	if err != nil {
		t.Fatal(err)
	}
	g, seen := start(t, nil), 0
	for _, l := range all {
		if l.Source != nil || l.Frame == nil {
			continue
		}
		seen++
		if r := g.send(l.Frame); r.ack == nil || r.ack.Code != "CE" || r.detail("FRAME-ROOT-HEALTH") == nil {
			t.Errorf("%s: %v", l.Name, r)
		}
	}
	if seen < 2 {
		t.Errorf("%d patient documents were tried", seen)
	}
	for _, u := range g.usage("archive") {
		if u.Refused == "" {
			t.Errorf("patient data were stored: %+v", u)
		}
	}
}

func wrongRegister(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan") // nothing is known of organisations when they come
	a, b := w.Organisations[0], w.Organisations[1]
	stray := build(t, func() fixtures.Spec {
		s := w.Spec(fixtures.Phase2XHTML)
		s.Unit = b.Units[0]
		return s
	}())
	g.accepted(w.Frame(stray))
	g.know(joinedWorld(t))
	var found, rules []string
	err := g.Store.EachSeries(t.Context(), everything, func(f store.SeriesFacts) error {
		for sender, want := range map[string]string{a.OID: "", w.Organisation("hoivapilvi").OID: "", b.OID: pipeline.RuleController} {
			by := f
			by.Owner = sender // had it come by that organisation's connection
			if rule := pipeline.Misplaced(g.Judge.Organisations.Directory(), &by); f.SetID != stray.SetID && rule != want {
				t.Errorf("sent by %s: %q, want %q", sender, rule, want)
			}
		}
		if rule := pipeline.Misplaced(g.Judge.Organisations.Directory(), &f); rule != "" {
			found, rules = append(found, f.SetID), append(rules, rule)
		}
		return nil
	})
	if err != nil || len(found) != 1 || found[0] != stray.SetID {
		t.Fatalf("found %v, %v", found, err)
	}
	for _, state := range []store.FlagState{store.Suspected, store.Reported} {
		if ok, err := g.Store.Flag(t.Context(), store.Flag{SetID: stray.SetID, State: state, Rule: rules[0], Reason: "väärä rekisteri", By: "test"}); err != nil || !ok {
			t.Fatalf("%s: %v", state, err)
		}
	}
	x, err := g.Store.PlanTransfer(t.Context(), store.TransferPlan{Kind: store.Correction, FromController: a.OID, ToController: b.OID, Series: found, Reason: "väärä rekisteri", By: "test"})
	if err == nil {
		_, err = g.Store.ApplyTransfer(t.Context(), x.ID, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	g.has("the wrong register", asking(a, interactions.QueryMetadata, byID(stray.OID)...))
	got := g.has("the right one", asking(b, interactions.QueryDocument, byID(stray.OID)...), stray.OID)
	if bs, _ := got.bytesOf(t, stray.OID); !bytes.Equal(bs, stray.Bytes) {
		t.Error("the original changed")
	}
}

func oldDocument(t *testing.T) {
	s := strict(t, nil, "relationship-child", "relationship-child-sumula")
	old := build(t, func() fixtures.Spec {
		x := s.w.Spec(fixtures.OldXHTML)
		x.Clients = []*fixtures.Client{s.child}
		return x
	}())
	s.accepted(s.w.Frame(old))
	s.inform()
	s.will(fixtures.Permission, s.b, nil)
	ask := func(by *fixtures.Organisation, ps ...frame.AskParam) frame.Ask {
		return asking(by, interactions.QueryMetadata, append(append(byID(old.OID), byClient(s.child)), ps...)...)
	}
	s.has("the own register", ask(s.a), old.OID)
	s.has("another's, permitted", ask(s.b, by(interactions.FieldUse, "903"), by(interactions.FieldAuthentication, pipeline.Strong)))
	s.know(joinedWorld(t))
	s.has("by an authority's ground in law", ask(s.b, by(interactions.FieldUse, "903"), by(interactions.FieldAuthentication, pipeline.Strong),
		by(interactions.FieldSpecialReason, "1"), by(interactions.FieldGround, "1")), old.OID)
}

func phaseOne(t *testing.T) {
	now, w := world().Now, world()
	g := start(t, func(c *Config) {
		c.Phase1Until = now.Add(time.Hour)
		c.Now = func() time.Time { return now }
	})
	first := w.Doc("phase1-xhtml")
	if first == nil {
		first = build(t, w.Spec(fixtures.Phase1XHTML))
	}
	g.accepted(w.Frame(first))
	now = now.Add(2 * time.Hour)
	if r := g.send(w.Frame(build(t, w.Spec(fixtures.Phase1PDF)))); r.ack == nil || r.ack.Code != "CE" || !mentions(r.rules(), "PHASE1") {
		t.Errorf("after its day: %v", r)
	}
	g.accepted(w.Frame(version(t, first, nil)))
}

func mentions(rules []string, word string) bool {
	return strings.Contains(strings.Join(rules, " "), word)
}

// faulty sends documents with one fault each.
func faulty(t *testing.T, of map[fixtures.Kind]map[fixtures.Fault]string) {
	t.Helper()
	w := world()
	g := startWith(t, nil, "relationship-child", "case")
	for kind, faults := range of {
		for fault, rule := range faults {
			d, err := w.Mutate(build(t, w.Spec(kind)), fault)
			if err != nil {
				t.Fatal(err)
			}
			g.refused(w.Frame(d), rule)
			g.has(string(fault), asking(d.Spec.Controller, interactions.QueryMetadata, byID(d.OID)...))
		}
	}
}

func phaseTwo(t *testing.T) {
	faulty(t, map[fixtures.Kind]map[fixtures.Fault]string{fixtures.Phase2XHTML: {"specific-type-missing": "META-SPECIFICTYPE-MISSING", "unit-missing": "META-UNIT-MISSING"}})
}

func structured(t *testing.T) {
	faulty(t, map[fixtures.Kind]map[fixtures.Fault]string{fixtures.Plan: {fixtures.UnknownField: "SOS-FIELD-UNKNOWN", fixtures.WrongFieldType: "SOS-TYPE"}})
}

func formats(t *testing.T) {
	faulty(t, map[fixtures.Kind]map[fixtures.Fault]string{
		fixtures.OldPDF: {fixtures.NotPDF: "BODY-TEXT-FORMAT-DIFFERS"}, fixtures.OldXHTML: {fixtures.ScriptInXHTML: "BODY-XHTML-ELEMENT"},
		fixtures.Plan: {fixtures.BrokenJSON: "SOS-JSON-UNCLOSED"},
	})
}

// structureVersions sends what is built by different versions of Sosmeta.
func structureVersions(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan", "note")
	seen := map[string]bool{}
	for _, id := range []string{w.Doc("plan").OID, w.Doc("note").OID, w.Doc("case").OID} {
		hits, err := g.Store.Lookup(t.Context(), everything, []string{id}, store.Filter{})
		if err != nil || len(hits) != 1 || hits[0].Index.ContentSpec == "" {
			t.Fatalf("%v %v", hits, err)
		}
		seen[hits[0].Index.ContentSpec] = true
	}
	if len(seen) != 3 {
		t.Errorf("structures: %v", seen)
	}
	unknown, err := w.Mutate(build(t, w.Spec(fixtures.Plan)), fixtures.UnknownStructure)
	if err != nil {
		t.Fatal(err)
	}
	if r := g.send(w.Frame(unknown)); !mentions(r.rules(), "SOS-STRUCTURE-VERSION-UNKNOWN") {
		t.Errorf("a structure that is not known: %v", r)
	}
}

func noticeTaken(t *testing.T) {
	w := world()
	g := start(t, nil)
	id := "1.2.246.10.99999901.10.0.95.2026.8.7"
	if code, answer := g.file("/fhir", "application/fhir+json", w.Notices(w.Notice(id))); code != 200 {
		t.Fatalf("HTTP %d %s", code, answer)
	}
	p, err := g.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{}, 10, "")
	if err != nil || len(p.Entries) == 0 {
		t.Errorf("%v %v", p.Entries, err)
	}
}
