package gateway

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/store"
)

// operationScenarios are the requirements that the archive's operations serve, each
// with what is tried over the wire.
var operationScenarios = []struct {
	id, name string
	try      func(*testing.T)
}{
	{"ARK-1", "documents of every group are stored and come back byte for byte", everyGroup},
	{"ARK-1", "a document that is at fault is not stored", refusedIsNotStored},
	{"ARK-2", "documents by id, series, client and case", fetchWays},
	{"ARK-2", "attachments come back with their Content-ID", attachmentsComeBack},
	{"ARK-2", "another controller's documents are as if they were not there", foreignRegister},
	{"ARK-2", "a long answer in parts by bytes", partsByBytes},
	{"ARK-3", "a correction, also by another unit of the controller", corrections},
	{"ARK-3", "a version out of turn is refused and told why", versionsOutOfTurn},
	{"ARK-3", "nullification by a new version", nullifyByDocument},
	{"ARK-3", "nullification by a frame alone", func(t *testing.T) { nullifyAlone(t, fixtures.FrameOptions{NoText: true}) }},
	{"ARK-3", "nullification by the status in the frame", func(t *testing.T) { nullifyAlone(t, fixtures.FrameOptions{NoText: true, Status: "NULLIFIED"}) }},
	{"ARK-3", "a nullification that means another document is refused", nullifyMistaken},
	{"ARK-3", "a form of nullification is switched off in the table", nullifyFormOff},
	{"ARK-3", "a nullifying interaction of the user's own", nullifyByOwnInteraction},
	{"ARK-4", "a real person is not asked about in the test world", realPersonAsked},
	{"ARK-4", "metadata by each parameter", metadataByParameter},
	{"ARK-4", "wrong parameters are told with their place", wrongParameters},
	{"ARK-4", "a long answer in parts by number", partsByNumber},
	{"ARK-4", "a parameter, request and interaction of the user's own", ownTable},
	{"ARK-4", "a part that is asked for after a restart is told to be asked for anew", partsOverARestart},
	{"ARK-10", "an id stands for one original", oneOriginal},
	{"ARK-11", "what is acknowledged is found at once", foundAtOnce},
	{"ARK-13", "a client's summary", clientSummary},
	{"SEC-2", "what became of messages and documents", statusOfMessages},
	{"SEC-2", "the same message again has the same answer", sameAgain},
}

func TestOperationScenarios(t *testing.T) {
	for _, s := range operationScenarios {
		t.Run(s.id+"/"+s.name, s.try)
	}
}

func first() *fixtures.Organisation { return world().Organisations[0] }

// build makes a document of the world.
func build(t *testing.T, s fixtures.Spec) *fixtures.Document {
	t.Helper()
	d, err := world().Build(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// version makes the next version of a document.
func version(t *testing.T, of *fixtures.Document, change func(*fixtures.Spec)) *fixtures.Document {
	t.Helper()
	s := of.Spec
	s.Replaces, s.Serial, s.OID, s.Effective = of, 0, "", of.Spec.Effective.Add(60_000_000_000)
	if change != nil {
		change(&s)
	}
	return build(t, s)
}

// has demands that a query gives these documents in any order.
func (g *gate) has(what string, a frame.Ask, want ...string) *answered {
	g.t.Helper()
	got := g.found(a)
	have := slices.Sorted(slices.Values(got.ids()))
	slices.Sort(want)
	if !slices.Equal(have, want) {
		g.t.Errorf("%s gives %v, want %v", what, have, want)
	}
	if (len(want) == 0) != (got.Outcome == frame.ResponseNone) {
		g.t.Errorf("%s: outcome %s", what, got.Outcome)
	}
	return got
}

// refused demands CE with a rule.
func (g *gate) refused(frame []byte, rule string) {
	g.t.Helper()
	if r := g.send(frame); r.ack == nil || r.ack.Code != "CE" || r.detail(rule) == nil {
		g.t.Errorf("not refused by %s: %v", rule, r)
	}
}

func everyGroup(t *testing.T) {
	g := start(t, nil)
	byOrg := map[*fixtures.Organisation][]*fixtures.Document{}
	for _, d := range world().Documents {
		g.accepted(world().Frame(d))
		byOrg[d.Spec.Controller] = append(byOrg[d.Spec.Controller], d)
	}
	groups := map[string]bool{}
	for org, docs := range byOrg {
		for _, d := range docs {
			groups[d.Group.Code] = true
			got := g.found(asking(org, interactions.QueryDocument, append(byID(d.OID), flag(interactions.FieldNullified, true))...))
			if len(got.Documents) != 1 {
				t.Errorf("%s: %v\n%s", d.Name, got.ids(), got.rules())
				continue
			}
			if b, _ := got.bytesOf(t, d.OID); !bytes.Equal(b, d.Bytes) {
				t.Errorf("%s: other bytes came back", d.Name)
			}
		}
	}
	if len(groups) < 7 {
		t.Errorf("only the groups %v", groups)
	}
}

func refusedIsNotStored(t *testing.T) {
	g := start(t, nil)
	w := world()
	broken, err := w.Mutate(w.Doc("note"), fixtures.BrokenBodyDigest)
	if err != nil {
		t.Fatal(err)
	}
	g.refused(w.Frame(broken), "SIG-DIGEST-MISMATCH")
	g.has("the refused document", asking(first(), interactions.QueryDocument, byID(broken.OID)...))
}

func fetchWays(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan", "note")
	plan, note, c := w.Doc("plan"), w.Doc("note"), w.Doc("case")
	ask := func(ps ...frame.AskParam) frame.Ask { return asking(first(), interactions.QueryDocument, ps...) }
	g.has("one id", ask(byID(plan.OID)...), plan.OID)
	g.has("two ids, one unknown", ask(byID(plan.OID, note.OID, "1.2.246.10.99999901.1")...), plan.OID, note.OID)
	g.has("a series", ask(by(interactions.FieldSeries, note.SetID)), note.OID)
	g.has("a case", ask(by(interactions.FieldCase, plan.Spec.Case.OID)), plan.OID, note.OID, c.OID)
	g.has("a client", ask(byClient(w.Client("child"))), plan.OID, note.OID, c.OID, w.Doc("relationship-child").OID)
	g.has("another client", ask(byClient(w.Client("mother"))))
	g.has("a document under another client", ask(append(byID(plan.OID), byClient(w.Client("mother")))...))
	got := g.has("metadata of one", asking(first(), interactions.QueryMetadata, byID(plan.OID)...), plan.OID)
	if got.Documents[0].Text > 0 || bytes.Contains(got.body, []byte("<addr")) || bytes.Contains(got.body, []byte("streetAddressLine")) {
		t.Error("metadata carry a package or an address (DOC-9)")
	}
}

func attachmentsComeBack(t *testing.T) {
	g := startWith(t, nil, "relationship-child", "case")
	s := world().Spec(fixtures.Note)
	s.Attachments = []fixtures.Attachment{
		{ID: "1.2.246.10.99999901.95001.2026.5.1", MediaType: "application/pdf", Bytes: []byte("%PDF-1.4\n\x00\xff attachment")},
		{ID: "1.2.246.10.99999901.95001.2026.5.2", MediaType: "text/plain", Bytes: []byte("liite")},
	}
	d := build(t, s)
	g.accepted(world().Frame(d))
	got := g.has("the document", asking(first(), interactions.QueryDocument, byID(d.OID)...), d.OID)
	b, parts := got.bytesOf(t, d.OID)
	if !bytes.Equal(b, d.Bytes) || len(parts) != 2 {
		t.Fatalf("%d attachments", len(parts))
	}
	for i, p := range parts {
		if want := s.Attachments[i]; p.ContentID != want.ID || p.MediaType != want.MediaType || !bytes.Equal(p.Bytes, want.Bytes) {
			t.Errorf("attachment %d is %s %s, %d bytes", i, p.ContentID, p.MediaType, len(p.Bytes))
		}
	}
	s.Attachments, s.OID = s.Attachments[:1], d.OID
	other := *d
	other.Spec.Attachments = s.Attachments
	g.refused(world().Frame(&other), store.RuleResendDiffers)
}

func foreignRegister(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "relationship-child-sumula", "case", "case-sumula", "plan")
	other := w.Organisations[1]
	g.has("the other's view of the client", asking(other, interactions.QueryMetadata, byClient(w.Client("child"))),
		w.Doc("relationship-child-sumula").OID, w.Doc("case-sumula").OID)
	for _, op := range []interactions.Operation{interactions.QueryMetadata, interactions.QueryDocument} {
		g.has("the other's "+string(op), asking(other, op, byID(w.Doc("plan").OID)...))
		g.has("in the first's name", asking(other, op, append(byID(w.Doc("plan").OID), by(interactions.FieldController, first().OID))...))
	}
}

func partsByBytes(t *testing.T) {
	g := startWith(t, func(c *Config) { c.MaxAnswer = 30_000 }, "relationship-child", "case")
	var want []string
	for range 4 {
		d, err := world().Sized(24_000, 0)
		if err != nil {
			t.Fatal(err)
		}
		g.accepted(world().Frame(d))
		want = append(want, d.OID)
	}
	a := asking(first(), interactions.QueryDocument, byID(want...)...)
	ids, parts := g.whole(a)
	slices.Sort(ids)
	slices.Sort(want)
	if !slices.Equal(ids, want) || parts != 4 {
		t.Errorf("%d parts: %v, want %v", parts, ids, want)
	}
}

// whole asks and goes on to the end; it gives all ids and the number of parts.
func (g *gate) whole(a frame.Ask) (ids []string, parts int) {
	g.t.Helper()
	query := a.MessageID
	for {
		got := g.found(a)
		ids = append(ids, got.ids()...)
		parts++
		if got.Current != len(got.Documents) || got.Total >= 0 && got.Remaining != got.Total-len(ids) {
			g.t.Fatalf("part %d: current %d, total %d, remaining %d after %d", parts, got.Current, got.Total, got.Remaining, len(ids))
		}
		if got.Remaining == 0 {
			return ids, parts
		}
		next := asking(first(), "")
		next.Sender, next.MessageID.Root = a.Sender, a.MessageID.Root
		next.QueryID, next.Start, next.Quantity = query, len(ids)+1, a.Quantity
		a = next
	}
}

func corrections(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "note")
	v1 := w.Doc("note")
	v2 := version(t, v1, nil)
	g.accepted(w.Frame(v2))
	v3 := version(t, v2, func(s *fixtures.Spec) {
		s.Unit, s.Author = first().Units[1], w.Professionals[1] // another unit of the same controller
	})
	g.accepted(w.Frame(v3))
	ask := func(ps ...frame.AskParam) frame.Ask {
		return asking(first(), interactions.QueryMetadata, append(ps, by(interactions.FieldSeries, v1.SetID))...)
	}
	g.has("the newest", ask(), v3.OID)
	got := g.has("all versions", ask(flag(interactions.FieldNewest, false)), v1.OID, v2.OID, v3.OID)
	for _, d := range got.Documents {
		if want := map[string]string{v1.OID: "OBSOLETE", v2.OID: "OBSOLETE", v3.OID: "COMPLETED"}[d.ID.Root]; d.Status.Code != want {
			t.Errorf("%s is %s, want %s", d.ID.Root, d.Status.Code, want)
		}
	}
	old := g.has("a replaced version by its id", asking(first(), interactions.QueryDocument, byID(v1.OID)...), v1.OID)
	if b, _ := old.bytesOf(t, v1.OID); !bytes.Equal(b, v1.Bytes) {
		t.Error("the replaced version is not as it came")
	}
}

func versionsOutOfTurn(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "note") // of a case that is not here, so that its clients are nobody's matter
	v1 := w.Doc("note")
	left, right := version(t, v1, nil), version(t, v1, nil)
	skipped := version(t, version(t, left, nil), nil)
	g.accepted(w.Frame(left))
	g.refused(w.Frame(right), store.RuleNotNewest)
	g.refused(w.Frame(skipped), store.RuleNotNewest)
	lost := version(t, build(t, w.Spec(fixtures.Note)), nil)
	g.refused(w.Frame(lost), store.RuleSetUnknown)
	old := build(t, w.Spec(fixtures.Phase1XHTML))
	g.accepted(w.Frame(old))
	stranger := version(t, old, func(s *fixtures.Spec) { s.Clients = []*fixtures.Client{w.Client("mother")} })
	g.refused(w.Frame(stranger), store.RuleClientDiffers)
}

func oneOriginal(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "note")
	note := w.Doc("note")
	s := note.Spec
	s.OID, s.Text = note.OID, "toinen sisältö"
	g.refused(w.Frame(build(t, s)), store.RuleIDBytes)
	got := g.has("the id", asking(first(), interactions.QueryDocument, byID(note.OID)...), note.OID)
	if b, _ := got.bytesOf(t, note.OID); !bytes.Equal(b, note.Bytes) {
		t.Error("the original changed")
	}
}

func foundAtOnce(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case")
	v := w.Doc("note")
	for n := range 5 {
		if n > 0 {
			v = version(t, v, nil)
		}
		g.accepted(w.Frame(v))
		got := g.has("right after its acknowledgement", asking(first(), interactions.QueryDocument, by(interactions.FieldSeries, v.SetID)), v.OID)
		if b, _ := got.bytesOf(t, v.OID); !bytes.Equal(b, v.Bytes) {
			t.Error("other bytes")
		}
	}
}

func clientSummary(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan", "note", "relationship-mother")
	note := w.Doc("note")
	v2 := version(t, note, nil)
	g.accepted(w.Frame(v2))
	g.accepted(w.FrameWith(w.Doc("plan"), fixtures.FrameOptions{NoText: true, Extension: "77005"}))
	a := asking(first(), interactions.QueryDocument, byClient(w.Client("child")))
	a.ServiceRequest = "SP925"
	rel, c := w.Doc("relationship-child"), w.Doc("case")
	got := g.has("the summary", a, rel.OID, c.OID, v2.OID)
	for _, d := range got.Documents {
		carried := d.Text > 0
		if want := d.ID.Root != v2.OID; carried != want {
			t.Errorf("%s with its document: %t, want %t", d.ID.Root, carried, want)
		}
	}
	if b, _ := got.bytesOf(t, rel.OID); !bytes.Equal(b, rel.Bytes) {
		t.Error("the relationship document is another")
	}
	for request, want := range map[string]string{"SP923": rel.OID, "SP924": c.OID} {
		a := asking(first(), interactions.QueryDocument, byClient(w.Client("child")))
		a.ServiceRequest = request
		g.has(request, a, want)
		a = asking(first(), interactions.QueryMetadata, byClient(w.Client("child")), by(interactions.FieldGroup, "5"))
		a.ServiceRequest = request
		g.has(request+" of another group", a)
	}
}

func statusOfMessages(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case")
	note, plan := w.Doc("note"), w.Doc("plan")
	broken, err := w.Mutate(plan, fixtures.BrokenBodyDigest)
	if err != nil {
		t.Fatal(err)
	}
	g.accepted(w.FrameWith(note, fixtures.FrameOptions{Extension: "88001"}))
	g.send(w.FrameWith(broken, fixtures.FrameOptions{Extension: "88002"}))
	status := func(org *fixtures.Organisation, p frame.AskParam) *answered {
		t.Helper()
		return g.found(asking(org, interactions.QueryStatus, p))
	}
	message := func(n string) frame.AskParam {
		return frame.AskParam{Field: interactions.FieldMessage, Root: note.Spec.System.Device, Value: n}
	}
	for _, c := range []struct {
		name string
		ask  frame.AskParam
		rule string
	}{
		{"accepted message", message("88001"), "QUERY-STATUS-ARCHIVED"},
		{"refused message", message("88002"), "QUERY-STATUS-REFUSED"},
		{"archived document", byID(note.OID)[0], "QUERY-STATUS-ARCHIVED"},
		{"refused document", byID(plan.OID)[0], "QUERY-STATUS-REFUSED"},
	} {
		if got := status(first(), c.ask); got.Outcome != frame.ResponseOK || !slices.Contains(got.rules(), c.rule) {
			t.Errorf("%s: %s %v", c.name, got.Outcome, got.rules())
		}
	}
	// A nullification by the frame alone is neither archived nor refused.
	g.accepted(w.FrameWith(note, fixtures.FrameOptions{NoText: true, Extension: "88004"}))
	if got := status(first(), message("88004")); got.Outcome != frame.ResponseOK || !slices.Contains(got.rules(), "QUERY-STATUS-OTHER") || !slices.Contains(got.rules(), "QUERY-PARAMETER-ASSUMED") {
		t.Errorf("a nullification: %s %v", got.Outcome, got.rules())
	}
	if got := status(first(), message("88003")); got.Outcome != frame.ResponseNone {
		t.Errorf("unknown message: %s %v", got.Outcome, got.rules())
	}
}

func sameAgain(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case")
	note := w.Doc("note")
	first1 := g.accepted(w.Frame(note))
	again := g.accepted(w.Frame(note))
	if !slices.Equal(first1.rules(), again.rules()) {
		t.Errorf("%v, then %v", first1.rules(), again.rules())
	}
	ask := asking(first(), interactions.QueryDocument, byID(note.OID)...)
	one, two := g.found(ask), g.found(ask)
	b1, _ := one.bytesOf(t, note.OID)
	b2, _ := two.bytesOf(t, note.OID)
	if !slices.Equal(one.ids(), two.ids()) || !bytes.Equal(b1, b2) || one.Total != 1 || two.Total != 1 {
		t.Error("the same query has another answer")
	}
	c, err := g.Store.Counts(context.Background(), everything)
	if err != nil || c.Documents != 3 {
		t.Errorf("%d documents, %v", c.Documents, err)
	}
}
