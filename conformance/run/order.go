package run

import (
	"bytes"
	"errors"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/conformance/cases"
)

var errOrder = errors.New("an order is inform, suspend or resume")

// order writes the message of a step that tells something of a client without a
// document: informing, and the suspension of the provider's registry-use right.
func (s *scene) order(x *cases.Step) (*made, error) {
	op := interactions.Operation(x.Order)
	if !op.Orders() {
		return nil, errOrder
	}
	org, user := s.asker(x.Document.Organisation)
	client := s.named(x.Clients)[0]
	root, id := client.ID()
	m := &made{id: s.messageID(0)}
	o := frame.Order{
		Options: frame.Options{
			MessageID: cda.ID{Root: org.System.Device, Extension: m.id}, CreationTime: s.world.Now.Add(s.shift), Sender: org.OID,
			Operation: op, User: user,
		},
		ID: s.sibling(s.world.Doc("plan").OID), At: s.world.Now.Add(s.shift - time.Hour),
		Client:     cda.Client{ID: cda.ID{Root: root, Extension: id}, Name: cda.Name{Family: []string{client.Family}, Given: client.Given}},
		Controller: cda.Organization{ID: cda.ID{Root: org.OID}, Name: cda.Text{Value: org.Title}},
	}
	if op != interactions.Inform {
		o.Unit, o.Task = s.world.Organisations[2].Units[0].OID, s.casus.Task.Code
	}
	var b bytes.Buffer
	err := frame.WriteOrder(&b, o)
	m.frame = b.Bytes()
	return m, err
}
