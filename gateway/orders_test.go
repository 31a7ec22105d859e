package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/pipeline"
	"portti/store"
)

// order makes a message that tells something of a client without a document.
func (s *scene) order(op interactions.Operation, by *fixtures.Organisation, c *fixtures.Client, change func(*frame.Order)) []byte {
	s.t.Helper()
	root, id := c.ID()
	ask := asking(by, op)
	o := frame.Order{
		Options: ask.Options, ID: fmt.Sprintf("%s.95801.2026.%s", by.OID, ask.MessageID.Extension), At: s.w.Now.AddDate(0, 0, -1),
		Client:     cda.Client{ID: cda.ID{Root: root, Extension: id}, Name: cda.Name{Family: []string{c.Family}, Given: c.Given}},
		Controller: cda.Organization{ID: cda.ID{Root: by.OID}},
	}
	if change != nil {
		change(&o)
	}
	var b bytes.Buffer
	if err := frame.WriteOrder(&b, o); err != nil {
		s.t.Fatal(err)
	}
	return b.Bytes()
}

func informedByMessage(t *testing.T) {
	s := strict(t, nil, childSamples...)
	s.will(fixtures.Permission, s.b, nil)
	refused := func(rule string, op interactions.Operation, change func(*frame.Order)) {
		t.Helper()
		s.refused(s.order(op, s.a, s.child, change), rule)
	}
	refused("ORDER-TIME-FUTURE", interactions.Inform, func(o *frame.Order) { o.At = later(60) })
	refused(pipeline.RuleRegistryRight, interactions.Inform, func(o *frame.Order) { o.Controller.ID.Root = s.b.OID })
	refused(pipeline.RuleRegistryRight, interactions.Resume, func(o *frame.Order) { o.Controller.ID.Root = s.b.OID })
	refused("FRAME-DOCUMENT-EFFECTIVETIME-SYNTAX", interactions.Inform, func(o *frame.Order) { o.At = o.At.AddDate(-3000, 0, 0) })
	s.sees("nobody has informed the client", disclosure{by: s.b}, hidden)

	message := s.order(interactions.Inform, s.a, s.child, nil)
	s.accepted(message)
	s.sees("informed and permitted", disclosure{by: s.b}, "given")
	s.accepted(message)
	st, err := s.Store.ClientState(t.Context(), everything, s.child.Hetu)
	if err != nil || len(st.Orders) != 1 || st.Orders[0].Recorder != s.a.OID {
		t.Errorf("sent twice: %+v %v", st.Orders, err)
	}
	other := bytes.Replace(message, []byte(s.child.Hetu), []byte(s.w.Client("mother").Hetu), 1)
	s.refused(other, store.RuleIDBytes)
	if n := len(s.usage(store.OrderInform)); n != 4 { // with the attempts in another's name and under the same id
		t.Errorf("%d rows in the usage log: %+v", n, s.usage(store.OrderInform))
	}
	unknown := s.accepted(s.order(interactions.Suspend, s.a, s.child, func(o *frame.Order) { o.Unit = s.b.Units[0].OID }))
	if !slices.Contains(unknown.rules(), "ORDER-RIGHT-UNKNOWN") {
		t.Errorf("a right that is not there: %v", unknown)
	}
	mother := s.order(interactions.Inform, s.a, s.w.Client("mother"), nil)
	from, until := bytes.Index(mother, []byte("<recordTarget")), bytes.Index(mother, []byte("<author "))
	s.refused(bytes.Replace(s.order(interactions.Inform, s.a, s.child, nil), []byte("<author "), append(bytes.Clone(mother[from:until]), "<author "...), 1), "ORDER-CLIENT-SEVERAL")
	s.refused(s.order(interactions.Inform, s.a, s.child, func(o *frame.Order) {
		o.Client.ID, o.Client.BirthTime = cda.ID{}, cda.Timestamp{Raw: "20150101"}
	}), "ORDER-CLIENT-ID-MISSING")
	s.refused(bytes.Replace(s.order(interactions.Inform, s.a, s.child, nil), []byte("<statusCode"), []byte(`<text mediaType="multipart/related">x</text><statusCode`), 1), "ORDER-TEXT-UNEXPECTED")
}
