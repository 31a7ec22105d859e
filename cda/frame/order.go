package frame

import (
	"io"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/internal/xmltree"
)

// This file knows the messages that tell the archive something of a client without a
// document: that the client was informed (Kanta-informointi), that a registry-use right
// is suspended or goes on. No source has such messages; their form is ours
// (interactions.yaml): the frame of a document without its package.

// Orders tells that the frame is such a message.
func (f *Frame) Orders() bool {
	return f.Interaction != nil && f.Interaction.Kind == interactions.KindStore && f.Operation().Orders()
}

// OrderTask gives the service task that an order is about (1221), zero for every one.
func (f *Frame) OrderTask() cda.Coded {
	if e := f.encounter(); e != xmltree.None {
		if n := f.Tree.Child(e, cda.NamespaceHL7, "code"); n != xmltree.None {
			return cda.ReadCoded(f.Tree, n)
		}
	}
	return cda.Coded{}
}

// OrderUnit gives the service unit that an order is about, zero for every one.
func (f *Frame) OrderUnit() cda.ID { return f.Document.Encounter.Location.ID }

// encounter gives encounterEvent.
func (f *Frame) encounter() xmltree.Node {
	if !f.Document.Present() {
		return xmltree.None
	}
	return f.Tree.Path(f.Document.Node, cda.NamespaceHL7, "componentOf", "encounterEvent")
}

// judgeOrder tells what is missing or wrong in the clinicalDocument of an order.
func (r *reader) judgeOrder() {
	m := &r.f.Document
	r.oid(m.ID, RuleDocumentID, RuleDocumentIDOID)
	r.effectiveTime(m)
	r.documentParties(m)
	if m.Text > 0 {
		r.add(RuleOrderPackage, m.Text, "")
	}
	switch {
	case len(m.Clients) > 1:
		r.add(RuleOrderClients, m.Clients[1].Node, "")
	case len(m.Clients) == 1 && !m.Clients[0].ID.HasValue() && m.Clients[0].BirthTime.HasValue():
		r.add(RuleOrderClient, at(m.Clients[0].ID.Node, m.Clients[0].Node), "")
	}
}

// Order is an order as a client writes it. Of Options those of the wrapper and the
// control act count, with Operation: Inform, Suspend or Resume.
type Order struct {
	Options
	// ID is the order's own OID, by which it is known when it is sent again.
	ID     string
	Client cda.Client
	// Controller is the organisation that informed the client, or whose register a
	// right is in.
	Controller cda.Organization
	// At is when the client was informed, or from when on the right is suspended or
	// goes on.
	At time.Time
	// Task and Unit name the right: a service task (1221) and the provider's service
	// unit. Empty means every one.
	Task, Unit string
}

// Register of an order: the client register (asiakasrekisteri).
var orderRegister = cda.Coded{Code: "1", System: "1.2.246.537.6.1264.201701"}

// systemTask is the classification of service tasks (palvelutehtävä).
const systemTask = "1.2.246.537.6.1221.201601"

// WriteOrder writes an order. Errors as of Write.
func WriteOrder(w io.Writer, o Order) error {
	if !o.MessageID.HasValue() || o.CreationTime.IsZero() || o.Sender == "" {
		return ErrNoMessageID
	}
	m := &cda.Metadata{}
	if err := o.complete(m); err != nil {
		return err
	}
	x := &xmlWriter{}
	x.head(&o.Options)
	x.controlAct(&o.Options)
	x.start("subject", "typeCode", "SUBJ")
	x.order(&o)
	x.end()
	x.end()
	x.end()
	if x.err != nil {
		return x.err
	}
	_, err := w.Write(x.b)
	return err
}

func (x *xmlWriter) order(o *Order) {
	x.start("clinicalDocument", "classCode", "DOCCLIN", "moodCode", "EVN")
	x.empty("realmCode", "code", "FI")
	x.empty("typeId", "extension", "POCD_HD000040", "root", cda.RootTypeID)
	x.empty("id", "root", o.ID)
	x.coded("code", orderRegister)
	x.empty("statusCode", "code", "COMPLETED")
	x.empty("effectiveTime", "value", cda.FormatTS(o.At))
	x.client(&o.Client)
	x.author(o.Author)
	x.custodian(&o.Controller)
	if o.Task != "" || o.Unit != "" {
		x.orderRight(o)
	}
	x.end()
}

func (x *xmlWriter) orderRight(o *Order) {
	x.start("componentOf")
	x.start("encounterEvent", "classCode", "ENC", "moodCode", "EVN")
	x.empty("id", "nullFlavor", "NA")
	x.coded("code", cda.Coded{Code: o.Task, System: systemTask})
	if o.Unit != "" {
		x.start("location")
		x.start("healthCareFacility", "classCode", "SDLOC")
		x.empty("id", "root", o.Unit)
		x.end()
		x.end()
	}
	x.end()
	x.end()
}
