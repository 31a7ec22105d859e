package frame

import (
	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/internal/xmltree"
)

// Roots of identifiers in frames.
const (
	// RootInteraction is the root of interactionId.
	RootInteraction = "2.16.840.1.113883.1.6"
	// SystemTrigger is the code system of trigger events.
	SystemTrigger = "2.16.840.1.113883.1.18"
)

// Frame is a transfer frame as read from a tree. Values that are absent are zero
// values; see package cda.
type Frame struct {
	Tree *xmltree.Tree
	// Root is the frame's own element.
	Root xmltree.Node
	// Fatal tells that no acknowledgement can be made: the root is no known
	// interaction, or the message has no id. Such a frame is answered by a SOAP
	// Fault (design/decisions, Fault boundary).
	Fatal bool
	// Interaction is the table's entry for the root element's name, nil where unknown.
	Interaction *interactions.Interaction
	// ITSVersion is the attribute of the root.
	ITSVersion string

	// ID is the message's id.
	ID             cda.ID
	CreationTime   cda.Timestamp
	SecurityText   cda.Text
	VersionCode    cda.Coded
	InteractionID  cda.ID
	ProfileIDs     []cda.ID
	ProcessingCode cda.Coded
	ProcessingMode cda.Coded
	AcceptAck      cda.Coded
	Receiver       Device
	Sender         Device

	// ControlAct is controlActProcess, 0 where absent; MoodCode its attribute.
	ControlAct xmltree.Node
	MoodCode   string
	// Trigger is the trigger event.
	Trigger  cda.Coded
	Priority cda.Coded
	// Reasons are all reasonCodes; ServiceRequest and UseSituation are the two
	// that count (kanta-interface 1.4). Zero where missing or ambiguous.
	Reasons        []cda.Coded
	ServiceRequest cda.Coded
	UseSituation   cda.Coded
	// Request is the table's entry for ServiceRequest, nil where unknown.
	Request *interactions.ServiceRequest
	// User is the authorOrPerformer: who uses the sending system.
	User User
	// Subject is the subject element, 0 where absent.
	Subject xmltree.Node
	// Query is queryByParameter or queryContinuation, 0 where absent; Asked is what
	// it says.
	Query xmltree.Node
	Asked Query
	// Document is the document's metadata in the frame.
	Document Metadata

	profile catalogue.Profile
	table   *interactions.Table
}

// Device is a sender or receiver.
type Device struct {
	ID      cda.ID
	MoreIDs []cda.ID
	Name    cda.Text
	Node    xmltree.Node
}

// Present tells that the element stands in the frame.
func (d Device) Present() bool { return d.Node > 0 }

// User is authorOrPerformer/assignedPerson.
type User struct {
	// TypeCode is PRF or AUT; both are seen.
	TypeCode string
	// ID is the user's identity code (root 1.2.246.21) or another number.
	ID           cda.ID
	Name         cda.Name
	Organization cda.Organization
	Node         xmltree.Node
}

// Present tells that the element stands in the frame.
func (u User) Present() bool { return u.Node > 0 }

// Metadata is clinicalDocument of the frame (kanta-interface 3.2).
type Metadata struct {
	Node        xmltree.Node
	RealmCodes  []cda.Coded
	TypeID      cda.ID
	TemplateIDs []cda.ID
	// ID is the document's id.
	ID cda.ID
	// Register is code: the register that the document goes to (rekisteritunnus).
	Register cda.Coded
	// Text is the element that holds the MIME package, 0 where absent.
	Text            xmltree.Node
	MediaType       string
	Representation  string
	Status          cda.Coded
	EffectiveTime   cda.Timestamp
	Confidentiality cda.Coded
	// Reason: korvauksen syy, in a replacement.
	Reason     cda.Coded
	Language   cda.Coded
	SetID      cda.ID
	Version    cda.Number
	Completion cda.Coded
	Storage    cda.Coded
	Clients    []cda.Client
	Authors    []cda.Author
	// Custodian is the controller.
	Custodian cda.Organization
	Related   []cda.RelatedDocument
	Encounter cda.Encounter
	// Local is the health frame's localHeader.
	Local cda.LocalHeader
}

// Present tells that the element stands in the frame.
func (m Metadata) Present() bool { return m.Node > 0 }

// Name is the frame's root element's name: the interaction.
func (f *Frame) Name() string { return f.Tree.Local(f.Root) }

// IsHealth tells that the interaction is one of the health archive.
func (f *Frame) IsHealth() bool {
	return f.Interaction != nil && f.Interaction.Domain == interactions.Health
}

// Operation is what the frame asks for: that of its interaction, made narrower
// by a service request that asks for one thing only (a nullification comes in
// the interaction of a replacement) or by a status that nullifies. Empty where the
// interaction is unknown.
func (f *Frame) Operation() interactions.Operation {
	if f.table.NullifiedStatus(f.Document.Status.Code) && f.Interaction != nil && f.Interaction.Kind == interactions.KindStore {
		return interactions.Nullify
	}
	if f.Request != nil && len(f.Request.Operations) == 1 {
		return f.Request.Operations[0]
	}
	if f.Interaction == nil {
		return ""
	}
	return f.Interaction.Operation
}

// Table is the table that the frame was read with.
func (f *Frame) Table() *interactions.Table { return f.table }
