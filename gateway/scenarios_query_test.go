package gateway

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
)

func metadataByParameter(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan", "decision", "note", "phase1-pdf", "case-disability")
	child := byClient(w.Client("child"))
	plan, note, decision, phase1 := w.Doc("plan"), w.Doc("note"), w.Doc("decision"), w.Doc("phase1-pdf")
	all := []string{w.Doc("relationship-child").OID, w.Doc("case").OID, plan.OID, decision.OID, note.OID, phase1.OID}
	span := func(f interactions.Field, from, until int) frame.AskParam {
		return frame.AskParam{Field: f, From: later(from), Until: later(until)}
	}
	for _, c := range []struct {
		what   string
		params []frame.AskParam
		want   []string
	}{
		{"client", nil, all},
		{"controller", []frame.AskParam{by(interactions.FieldController, first().OID)}, all},
		{"another controller", []frame.AskParam{by(interactions.FieldController, w.Organisations[1].OID)}, nil},
		{"register", []frame.AskParam{by(interactions.FieldRegister, "1")}, all},
		{"another register", []frame.AskParam{by(interactions.FieldRegister, "2")}, nil},
		{"relationship", []frame.AskParam{by(interactions.FieldRelationship, w.Doc("relationship-child").Spec.Relationship.OID)}, nil},
		{"group", []frame.AskParam{by(interactions.FieldGroup, "2")}, []string{w.Doc("case").OID}},
		{"two groups", []frame.AskParam{by(interactions.FieldGroup, "2"), by(interactions.FieldGroup, "4")}, []string{w.Doc("case").OID, phase1.OID}},
		{"general type", []frame.AskParam{by(interactions.FieldGeneralType, note.General.Code)}, []string{note.OID}},
		{"specific type", []frame.AskParam{by(interactions.FieldSpecificType, plan.Specific.Code)}, []string{plan.OID}},
		{"task and group", []frame.AskParam{by(interactions.FieldTask, plan.Spec.Task.Code), by(interactions.FieldGroup, "5")}, []string{plan.OID, note.OID, decision.OID}},
		{"another task", []frame.AskParam{by(interactions.FieldTask, fixtures.TaskDisability.Code)}, nil},
		{"unit", []frame.AskParam{by(interactions.FieldUnit, "1.2.246.10.1")}, nil},
		{"written in a span", []frame.AskParam{span(interactions.FieldEffective, -36, -32)}, []string{plan.OID, decision.OID}},
		{"archived in a span", []frame.AskParam{span(interactions.FieldArrived, -1, 1)}, all},
		{"archived before", []frame.AskParam{span(interactions.FieldArrived, -99, -1)}, nil},
	} {
		got := g.found(asking(first(), interactions.QueryMetadata, append([]frame.AskParam{child}, c.params...)...))
		have, want := slices.Sorted(slices.Values(got.ids())), slices.Sorted(slices.Values(c.want))
		if c.what == "relationship" {
			if len(have) == 0 {
				t.Errorf("relationship gives nothing")
			}
			continue
		}
		if !slices.Equal(have, want) {
			t.Errorf("%s: %d documents, want %d\n%v", c.what, len(have), len(want), got.rules())
		}
	}
}

func wrongParameters(t *testing.T) {
	g := startWith(t, nil, "relationship-child", "case", "note")
	good := queryText(t, asking(first(), interactions.QueryMetadata, byID(world().Doc("note").OID)...))
	value := `<documentId><value root="` + world().Doc("note").OID + `"/></documentId>`
	for _, c := range []struct{ name, instead, rule, at string }{
		{"unknown", `<documentNumber><value root="1.2"/></documentNumber>`, "QUERY-PARAMETER-UNKNOWN", "documentNumber[1]"},
		{"empty", `<documentId/>`, "QUERY-PARAMETER-EMPTY", "documentId[1]"},
		{"no OID", `<documentId><value root="note"/></documentId>`, "QUERY-VALUE-INVALID", "documentId[1]/value[1]"},
		{"repeated", value + `<caseId><value root="1.2"/><value root="1.3"/></caseId>`, "QUERY-PARAMETER-REPEATED", "caseId[1]"},
		{"unknown group", value + `<documentGroupCode><value code="77"/></documentGroupCode>`, "QUERY-VALUE-INVALID", "documentGroupCode[1]/value[1]"},
		{"other code system", value + `<documentGroupCode><value code="5" codeSystem="1.2.3.4.5"/></documentGroupCode>`, "QUERY-CODESYSTEM-DIFFERS", "value[1]/@codeSystem"},
		{"time", value + `<effectiveTime><value><low value="2026-03-01"/></value></effectiveTime>`, "QUERY-TIME-SYNTAX", "low[1]"},
		{"time order", value + `<effectiveTime><value><low value="20260302"/><high value="20260301"/></value></effectiveTime>`, "QUERY-TIME-ORDER", "effectiveTime[1]/value[1]"},
		{"flag", value + `<includeNullified><value value="yes"/></includeNullified>`, "QUERY-VALUE-INVALID", "includeNullified[1]/value[1]"},
		{"not of this query", value + `<messageId><value root="1.2.3"/></messageId>`, "QUERY-PARAMETER-UNFIT", "messageId[1]"},
		{"nothing selected", `<documentGroupCode><value code="5"/></documentGroupCode>`, "QUERY-SELECTION-MISSING", "queryByParameter[1]"},
		{"quantity", `<initialQuantity value="0"/>` + value, "QUERY-QUANTITY-INVALID", "initialQuantity[1]/@value"},
		{"too many", "<documentId>" + strings.Repeat(`<value root="1.2.3"/>`, 501) + "</documentId>", "QUERY-VALUES-MANY", "queryByParameter[1]"},
	} {
		got := g.askRaw([]byte(strings.Replace(good, value, c.instead, 1)))
		i := slices.IndexFunc(got.Details, func(d frame.Detail) bool { return d.Rule == c.rule })
		if got.Code != frame.AnswerError || got.Outcome != frame.ResponseQuery || i < 0 || len(got.Documents) > 0 {
			t.Errorf("%s: %s %s %v", c.name, got.Code, got.Outcome, got.rules())
			continue
		}
		if l := got.Details[i].Location; len(l) != 1 || !strings.HasSuffix(l[0], c.at) || !strings.HasPrefix(l[0], "frame 1:") {
			t.Errorf("%s: place %v", c.name, l)
		}
	}
}

func queryText(t *testing.T, a frame.Ask) string {
	t.Helper()
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func partsByNumber(t *testing.T) {
	w := world()
	g := startWith(t, nil, "relationship-child", "case", "plan", "decision", "note")
	a := asking(first(), interactions.QueryMetadata, byClient(w.Client("child")))
	a.Quantity = 2
	ids, parts := g.whole(a)
	if len(ids) != 5 || parts != 3 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 5 {
		t.Errorf("%d parts: %v", parts, ids)
	}
	again := asking(first(), "")
	again.QueryID, again.Start, again.Quantity = a.MessageID, 3, 2
	if got := g.found(again); !slices.Equal(got.ids(), ids[2:4]) {
		t.Errorf("the second part again: %v, want %v", got.ids(), ids[2:4])
	}
	again.Start = 5
	if got := g.found(again); !slices.Equal(got.ids(), ids[4:]) {
		t.Errorf("the last part after the second: %v, want %v", got.ids(), ids[4:])
	}
	// What was nullified meanwhile is not in the parts that follow: the right is judged anew.
	g.accepted(w.FrameWith(w.Doc("plan"), fixtures.FrameOptions{NoText: true, Extension: "77004"}))
	again = asking(first(), "")
	again.QueryID, again.Start, again.Quantity = a.MessageID, 1, 5
	if got := g.found(again); slices.Contains(got.ids(), w.Doc("plan").OID) || len(got.ids()) != 4 {
		t.Errorf("after the nullification: %v", got.ids())
	}
	for name, c := range map[string]struct {
		ask  func(*frame.Ask)
		rule string
	}{
		"another query":  {func(x *frame.Ask) { x.QueryID.Extension = "no" }, "QUERY-CONTINUATION-UNKNOWN"},
		"another sender": {func(x *frame.Ask) { x.Sender = w.Organisations[1].OID }, "QUERY-CONTINUATION-UNKNOWN"},
		"another user":   {func(x *frame.Ask) { x.User.ID.Extension = w.Professionals[1].Hetu }, "QUERY-CONTINUATION-UNKNOWN"},
		"too far":        {func(x *frame.Ask) { x.Start = 99 }, "QUERY-CONTINUATION-START"},
	} {
		x := asking(first(), "")
		x.QueryID, x.Start = a.MessageID, 3
		c.ask(&x)
		if got := g.ask(x); got.Code != frame.AnswerError || !slices.Contains(got.rules(), c.rule) || len(got.Documents) > 0 {
			t.Errorf("%s: %s %v", name, got.Code, got.rules())
		}
	}
}

func ownTable(t *testing.T) {
	w := world()
	g := startWith(t, func(c *Config) {
		c.Book = bookWith(t, `interactions:
  - {name: RCMR_IN200099FI01, domain: social, kind: query, operation: query-metadata, response: RCMR_IN200098FI01, certainty: I, source: test}
service_requests:
  - {code: SP77, display: Oma, operations: [query-metadata], groups: ["2"], interactions: [RCMR_IN200099FI01], certainty: I, source: test}
parameters:
  - {name: asiakas, field: client, form: id, certainty: I, source: test}
`)
	}, "relationship-child", "case", "plan")
	text := queryText(t, asking(first(), interactions.QueryMetadata, byClient(w.Client("child"))))
	text = strings.NewReplacer("RCMR_IN200029FI01", "RCMR_IN200099FI01", `code="SP921"`, `code="SP77"`, "patientId>", "asiakas>").Replace(text)
	got := g.askRaw([]byte(text))
	if got.Root != "RCMR_IN200098FI01" || got.Code != frame.Answered || !slices.Equal(got.ids(), []string{w.Doc("case").OID}) || len(got.rules()) > 0 {
		t.Errorf("%s %s %v %v", got.Root, got.Code, got.ids(), got.rules())
	}
}

// No real person is asked about in the test world, and the code goes into no answer or
// log.
func realPersonAsked(t *testing.T) {
	g := startWith(t, nil, "relationship-child", "case", "note")
	real := cda.FormatHetu(time.Date(1981, 1, 1, 0, 0, 0, 0, time.UTC), 123)
	got := g.ask(asking(first(), interactions.QueryMetadata, frame.AskParam{Field: interactions.FieldClient, Root: cda.RootHetu, Value: real}))
	if got.Code != frame.AnswerError || !slices.Contains(got.rules(), "PERSON-REAL-FRAME") {
		t.Errorf("%s %v", got.Code, got.rules())
	}
	details := bytes.Split(got.body, []byte("<controlActProcess"))[0]
	if bytes.Contains(details, []byte(real)) || strings.Contains(g.log.String(), real) {
		t.Error("the code stands in a finding or the log")
	}
}

// An answer is kept open in memory: after a restart the asker is told to ask anew, and
// the query itself finds all.
func partsOverARestart(t *testing.T) {
	dir := t.TempDir()
	here := func(c *Config) { c.Data = dir }
	g := startWith(t, here, "relationship-child", "case", "plan", "note")
	query := func() frame.Ask {
		a := asking(first(), interactions.QueryMetadata, byClient(world().Client("child")))
		a.Quantity = 2
		return a
	}
	a := query()
	if got := g.found(a); len(got.Documents) != 2 || got.Remaining != 2 {
		t.Fatalf("%v, %d remain", got.ids(), got.Remaining)
	}
	next := asking(first(), "")
	next.Sender, next.MessageID.Root, next.QueryID, next.Start = a.Sender, a.MessageID.Root, a.MessageID, 3
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := g.Close(ctx); err != nil {
		t.Fatal(err)
	}
	g = start(t, here)
	got := g.ask(next)
	if got.Code == frame.Answered || len(got.Documents) > 0 || !slices.Contains(got.rules(), "QUERY-CONTINUATION-UNKNOWN") || !bytes.Contains(got.body, []byte("restart")) {
		t.Errorf("%s %v %v", got.Code, got.ids(), got.rules())
	}
	if ids, parts := g.whole(query()); len(ids) != 4 || parts != 2 {
		t.Errorf("asked anew: %v in %d parts", ids, parts)
	}
}
