package gateway

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/gateway/pipeline"
	"portti/store"
)

// asksWill asks for the child's will, in order unless changed.
func (s *scene) asksWill(d disclosure, more ...frame.AskParam) *answered {
	s.t.Helper()
	if d.use == "" {
		d.use = "903"
	}
	params := append(more, byClient(s.child), by(interactions.FieldUse, d.use))
	if !d.weak {
		params = append(params, by(interactions.FieldAuthentication, pipeline.Strong))
	}
	if d.reason != "" {
		params = append(params, by(interactions.FieldSpecialReason, d.reason))
	}
	a := asking(d.by, interactions.QueryWill, params...)
	if d.unit != "" {
		a.User.Organization.ID.Root = d.unit
	}
	return s.ask(a)
}

// wills demands what an answer about will tells, beside which documents it gives.
func (s *scene) wills(what string, got *answered, documents []*fixtures.Document, told ...string) {
	s.t.Helper()
	var want, rules []string
	for _, d := range documents {
		want = append(want, d.OID)
		if b, _ := got.bytesOf(s.t, d.OID); !bytes.Equal(b, d.Bytes) {
			s.t.Errorf("%s: %s comes with other bytes", what, d.OID)
		}
	}
	for _, r := range got.rules() {
		if r, ok := strings.CutPrefix(r, "QUERY-WILL-"); ok {
			rules = append(rules, r)
		}
	}
	outcome := frame.ResponseOK
	if len(documents)+len(told) == 0 {
		outcome = frame.ResponseNone
	}
	slices.Sort(want)
	if have := slices.Sorted(slices.Values(got.ids())); got.Code != frame.Answered || got.Outcome != outcome || !slices.Equal(have, want) || !slices.Equal(rules, told) {
		s.t.Errorf("%s: %s %s, %v of %v, told %v of %v", what, got.Code, got.Outcome, have, want, rules, told)
	}
}

func willAsked(t *testing.T) {
	s := strict(t, nil, childSamples...)
	docs := func(ds ...*fixtures.Document) []*fixtures.Document { return ds }
	elsewhere, b := s.b.Unit("disability").OID, disclosure{by: s.b}
	s.wills("nothing known", s.asksWill(b), nil)
	s.inform()
	s.wills("right after the informing", s.asksWill(b), nil, "INFORMED")
	for what, d := range map[string]disclosure{
		access.RuleStrong: {by: s.b, weak: true}, access.RuleConnection: {by: s.b, unit: elsewhere},
	} {
		if got := s.asksWill(d); got.Code == frame.Answered || !slices.Contains(got.rules(), what) || slices.Contains(got.rules(), pipeline.RuleWillInformed) {
			t.Errorf("%s: %s %v", what, got.Code, got.rules())
		}
	}
	permission := s.will(fixtures.Permission, s.p, nil) // a private provider recorded it
	prohibition := s.will(fixtures.Prohibition, s.a, func(x *fixtures.Spec) { x.ProhibitControllers = []*fixtures.Organisation{s.a} })
	s.wills("all of it", s.asksWill(b), docs(permission, prohibition), "INFORMED", "PERMITTED", "PROHIBITED")
	s.wills("by a special reason", s.asksWill(disclosure{by: s.b, unit: elsewhere, reason: "1"}), docs(permission, prohibition), "INFORMED", "PERMITTED", "PROHIBITED")
	s.wills("in another's own register", s.asksWill(disclosure{by: s.b, use: "1", weak: true}), nil)
	s.wills("in the own register", s.asksWill(disclosure{by: s.a, use: "1", weak: true}), docs(prohibition), "INFORMED", "PROHIBITED")

	denial := version(t, permission, func(x *fixtures.Spec) { x.Permitted = false })
	s.accepted(s.w.Frame(denial))
	s.accepted(s.w.FrameWith(prohibition, fixtures.FrameOptions{NoText: true, Extension: "66101"}))
	s.wills("denied, and a prohibition nullified", s.asksWill(b), docs(denial), "INFORMED", "DENIED")
	s.wills("every version", s.asksWill(b, flag(interactions.FieldNewest, false)), docs(permission, denial), "INFORMED", "DENIED")

	p, err := s.Store.SearchDisclosures(t.Context(), everything, store.LogFilter{Client: s.child.Hetu, Attempts: "done"}, 50, "")
	n := 0
	for _, e := range p.Entries {
		if e.Description == string(access.Informing) && e.DataController == s.a.OID && e.Recipient != "" && strings.Contains(e.Ground, "703/2023 § 72") {
			n++
		}
	}
	if err != nil || n != 5 {
		t.Errorf("%d informings in the disclosure log, %v", n, err)
	}
	for _, change := range []func(*frame.Ask){
		func(a *frame.Ask) { a.Params = byID(denial.OID) },
		func(a *frame.Ask) { a.Params = []frame.AskParam{by(interactions.FieldGroup, "8")} },
	} {
		a := asking(s.b, interactions.QueryWill)
		change(&a)
		if got := s.ask(a); got.Code != frame.AnswerError || !slices.Contains(got.rules(), frame.RuleQueryWillClient) {
			t.Errorf("of no client: %s %v", got.Code, got.rules())
		}
	}
}
