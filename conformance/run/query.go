package run

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/fixtures"
)

// asked are the operation and service request of each kind of query
// (kanta-interface 2.2, use cases 7 to 11).
var asked = map[string]struct {
	operation interactions.Operation
	request   string
}{
	"metadata":     {interactions.QueryMetadata, "SP921"},
	"document":     {interactions.QueryDocument, "SP922"},
	"relationship": {interactions.QueryMetadata, "SP923"},
	"case":         {interactions.QueryMetadata, "SP924"},
	"summary":      {interactions.QueryDocument, "SP925"},
	"status":       {interactions.QueryStatus, "SP926"},
}

// QueryRequests gives the service request of each kind of query.
func QueryRequests() map[string]string {
	out := map[string]string{}
	for kind, a := range asked {
		out[kind] = a.request
	}
	return out
}

// query asks and judges the answer.
func (r *Runner) query(ctx context.Context, s *scene, x *cases.Step) report.Step {
	m, err := s.ask(x)
	if err != nil {
		return r.unmade(x, err)
	}
	if x.As != "" {
		s.made[x.As] = m
	}
	return r.message(ctx, s, x, m)
}

// ask writes the query of a step.
func (s *scene) ask(x *cases.Step) (*made, error) {
	q := &x.Query
	org, user := s.asker(q.Organisation)
	kind := asked[q.For]
	m := &made{id: s.messageID(0)}
	a := frame.Ask{Options: frame.Options{
		MessageID: cda.ID{Root: org.System.Device, Extension: m.id}, CreationTime: s.world.Now.Add(s.shift), Sender: org.OID,
		Operation: kind.operation, ServiceRequest: kind.request,
		User: user,
	}, Quantity: q.Quantity, Params: s.params(q)}
	a.UseSituation = q.Situation
	if q.Whole {
		a.Operation = interactions.QueryDocument
	}
	if q.ServiceRequest != "" {
		a.ServiceRequest = q.ServiceRequest
	}
	if q.Continue != "" {
		a.Start, a.QueryID = q.Start, cda.ID{Root: org.System.Device, Extension: s.made[q.Continue].id}
	}
	if q.For == "status" {
		a.Interaction = "RCMR_IN200029FI01" // status has no interaction of its own
	}
	var b bytes.Buffer
	err := frame.WriteQuery(&b, a)
	m.frame = b.Bytes()
	return m, err
}

// asker gives an organisation by name, the first where none is named, and a
// professional of it.
func (s *scene) asker(name string) (*fixtures.Organisation, frame.User) {
	org := s.world.Organisations[0]
	if name != "" {
		org = s.world.Organisation(name)
	}
	user := s.world.Professionals[0]
	for _, p := range s.world.Professionals {
		if p.Unit.Organisation == org {
			user = p
			break
		}
	}
	return org, frame.User{
		ID: cda.ID{Root: cda.RootHetu, Extension: user.Hetu}, Name: cda.Name{Family: []string{user.Family}, Given: []string{user.Given}},
		Organization: cda.Organization{ID: cda.ID{Root: user.Unit.OID}},
	}
}

func (s *scene) params(q *cases.Query) []frame.AskParam {
	var out []frame.AskParam
	if q.Client != "" {
		root, id := s.clients[q.Client].ID()
		out = append(out, frame.AskParam{Field: interactions.FieldClient, Root: root, Value: id})
	}
	for _, n := range q.Documents {
		out = append(out, frame.AskParam{Field: interactions.FieldDocument, Value: s.made[n].doc.OID})
	}
	if q.Series != "" {
		out = append(out, frame.AskParam{Field: interactions.FieldSeries, Value: s.made[q.Series].doc.SetID})
	}
	for _, n := range q.Messages {
		out = append(out, frame.AskParam{Field: interactions.FieldMessage, Root: s.made[n].doc.Spec.System.Device, Value: s.made[n].id})
	}
	if q.Case {
		out = append(out, frame.AskParam{Field: interactions.FieldCase, Value: s.casus.OID})
	}
	for _, f := range slices.Sorted(maps.Keys(q.Params)) {
		v := q.Params[f]
		out = append(out, frame.AskParam{Field: interactions.Field(f), Value: v, Flag: v == "true"})
	}
	return out
}

// expectFound judges what an answer to a query holds.
func (j *judged) expectFound(x *cases.Expect) {
	r := j.answer.Response
	if r == nil {
		return
	}
	if x.Outcome != "" && string(r.Outcome) != x.Outcome {
		j.problem("outcome", "got", string(r.Outcome), "want", x.Outcome)
	}
	if x.Total > 0 && r.Total != x.Total {
		j.problem("total", "got", itoa(r.Total), "want", itoa(x.Total))
	}
	got := map[string]*frame.ReceivedDocument{}
	for i := range r.Documents {
		got[r.Documents[i].ID.Root] = &r.Documents[i]
	}
	wanted := map[string]bool{}
	for _, name := range x.Found {
		id := j.scene.made[name].doc.OID
		if wanted[id] = true; got[id] == nil {
			j.problem("not-found", "want", name)
		}
	}
	for id := range got {
		if len(x.Found) > 0 && !wanted[id] {
			j.problem("found-more", "got", id)
		}
	}
	for _, name := range x.Hidden {
		if id := j.scene.made[name].doc.OID; got[id] != nil || bytes.Contains(withoutEcho(j.answer.Body), []byte(id)) {
			j.problem("found-more", "got", name)
		}
	}
	j.expectServed(x.Served, got)
}

// withoutEcho is an answer without what repeats the question.
func withoutEcho(b []byte) []byte {
	i := bytes.Index(b, []byte("<queryByParameter"))
	k := bytes.Index(b, []byte("</queryByParameter>"))
	if i < 0 || k < i {
		return b
	}
	return append(bytes.Clone(b[:i]), b[k:]...)
}

// expectServed demands the very bytes that were archived.
func (j *judged) expectServed(names []string, got map[string]*frame.ReceivedDocument) {
	for _, name := range names {
		doc := j.scene.made[name].doc
		d := got[doc.OID]
		if d == nil {
			j.problem("not-found", "want", name)
			continue
		}
		p, _ := d.Package()
		if p == nil || !bytes.Equal(p.DocumentBytes(), doc.Bytes) {
			j.problem("other-bytes", "want", name)
			continue
		}
		if len(p.Attachments) != len(doc.Spec.Attachments) {
			j.problem("other-bytes", "want", name+strings.Repeat("+", len(doc.Spec.Attachments)))
		}
	}
}
