package frame

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
)

// Options are what a frame says beyond the document's own metadata.
type Options struct {
	// Interaction is the root's name; by default the social interaction of a new
	// document or, where the version is above 1, of a replacement.
	Interaction string
	// MessageID is the message's id; must be given.
	MessageID cda.ID
	// CreationTime must be given.
	CreationTime time.Time
	// Sender is the sending system's OID; must be given.
	Sender string
	// Receiver is the archive's OID; by default the table's first.
	Receiver string
	// ProcessingCode is D by default, P in production.
	ProcessingCode string
	// Operation is by default what the metadata show: new or replace.
	Operation interactions.Operation
	// ServiceRequest is a code of 1.2.246.537.6.1503; by default the table's first
	// that fits operation and document group.
	ServiceRequest string
	// UseSituation is a code of 1.2.246.537.6.1289, "1" by default.
	UseSituation string
	// User is who uses the sending system.
	User User
	// Author is the frame's author; by default the document's first author with an
	// id, else the user.
	Author *cda.Author
	// Reason of a replacement; by default the document's reasonOfCorrection, else
	// "1 Korjaus" of the health list (the social list's OID is not known).
	Reason cda.Coded
	// Form is the form of a nullification; ByDocument by default. In the others the
	// frame carries no document.
	Form interactions.Form
	// Attachments go into the package after the document.
	Attachments []Attachment
	// Declaration puts an XML declaration first; not for use inside SOAP.
	Declaration bool
	// Table is the embedded one by default.
	Table *interactions.Table
}

// Attachment is one further part of a package.
type Attachment struct {
	ContentID, MediaType string
	Bytes                []byte
}

// Errors of Write.
var (
	ErrNoMessageID = errors.New("frame: a message needs an id, a creation time and a sender")
	ErrNoRequest   = errors.New("frame: no service request fits the document; name one in Options.ServiceRequest")
)

// boundary separates the parts. It has characters that base64 has not, so it
// cannot occur in one.
const boundary = "=_portti_0"

// Write writes the strict frame RCMR_IN200002FI01 (or …16FI01) for a document
// with metadata m: wrapper, metadata, and the document in a MIME package
// (kanta-interface 3). Errors: ErrNoMessageID, ErrNoRequest, a value that XML
// cannot carry, or those of w.
func Write(w io.Writer, m *cda.Metadata, document []byte, o Options) error {
	if !o.MessageID.HasValue() || o.CreationTime.IsZero() || o.Sender == "" {
		return ErrNoMessageID
	}
	if err := o.complete(m); err != nil {
		return err
	}
	x := &xmlWriter{b: make([]byte, 0, 6000+len(document)*3/2)}
	if o.Declaration {
		x.b = append(x.b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"...)
	}
	x.frame(m, document, &o)
	if x.err != nil {
		return x.err
	}
	_, err := w.Write(x.b)
	return err
}

// complete fills in the defaults.
func (o *Options) complete(m *cda.Metadata) error {
	if o.Table == nil {
		o.Table = interactions.Default()
	}
	if o.Operation == "" {
		o.Operation = interactions.New
		if m.Version.Value > 1 {
			o.Operation = interactions.Replace
		}
	}
	if o.Interaction == "" {
		i := o.Table.InteractionFor(interactions.Social, o.Operation)
		if i == nil {
			return fmt.Errorf("frame: no interaction for operation %q", o.Operation)
		}
		o.Interaction = i.Name
	}
	if o.ServiceRequest == "" {
		s := o.Table.RequestFor(o.Operation, m.Local.DocumentGroup.Code, o.Interaction)
		if s == nil {
			return ErrNoRequest
		}
		o.ServiceRequest = s.Code
	}
	o.simple(m)
	return nil
}

// byFrame tells that the frame nullifies without a document.
func (o *Options) byFrame() bool {
	return o.Operation == interactions.Nullify && (o.Form == interactions.ByFrame || o.Form == interactions.ByStatus)
}

func (o *Options) simple(m *cda.Metadata) {
	if o.Receiver == "" && len(o.Table.Receivers) > 0 {
		o.Receiver = o.Table.Receivers[0].OID
	}
	if o.ProcessingCode == "" {
		o.ProcessingCode = "D"
	}
	if o.UseSituation == "" {
		o.UseSituation = "1"
	}
	if !o.Reason.HasValue() {
		o.Reason = m.Local.ReasonOfCorrection
	}
	if !o.Reason.HasValue() {
		o.Reason = cda.Coded{
			Code: "1", System: "1.2.246.537.5.40178.2008",
			SystemName: "eArkisto - Asiakirjan korvauksen syy", Display: "Korjaus",
		}
	}
	if o.Author == nil {
		o.Author = &cda.Author{ID: o.User.ID, Name: o.User.Name}
		for i := range m.Authors {
			if m.Authors[i].ID.HasValue() {
				o.Author = &m.Authors[i]
				break
			}
		}
	}
}

func (x *xmlWriter) frame(m *cda.Metadata, document []byte, o *Options) {
	x.head(o)
	x.controlAct(o)
	x.start("subject", "typeCode", "SUBJ")
	x.clinicalDocument(m, document, o)
	x.end()
	x.end()
	x.end()
}

// head writes the wrapper and begins the control act.
func (x *xmlWriter) head(o *Options) {
	x.start(o.Interaction, "xmlns", cda.NamespaceHL7, "ITSVersion", "XML_1.0")
	x.id("id", o.MessageID)
	x.empty("creationTime", "value", cda.FormatTS(o.CreationTime))
	x.empty("versionCode", "code", "V3-2006")
	x.empty("interactionId", "extension", o.Interaction, "root", RootInteraction)
	x.empty("processingCode", "code", o.ProcessingCode)
	x.empty("processingModeCode", "code", "T")
	x.empty("acceptAckCode", "code", "ER")
	x.device("receiver", "RCV", o.Receiver)
	x.device("sender", "SND", o.Sender)
	x.start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
}

func (x *xmlWriter) controlAct(o *Options) {
	trigger := ""
	if i := o.Table.Interaction(o.Interaction); i != nil && len(i.Triggers) > 0 {
		trigger = i.Triggers[0]
	}
	x.empty("code", "code", trigger, "codeSystem", SystemTrigger)
	x.empty("priorityCode", "code", "R")
	request, situation := "", ""
	if s := o.Table.ServiceRequest("", o.ServiceRequest); s != nil {
		request = s.Display
	}
	if u := o.Table.UseSituation(o.UseSituation); u != nil {
		situation = u.Display
	}
	x.coded("reasonCode", cda.Coded{ // none in the continuation of a query
		Code: o.ServiceRequest, System: interactions.SystemServiceRequest, SystemName: interactions.NameServiceRequest, Display: request,
	})
	x.coded("reasonCode", cda.Coded{
		Code: o.UseSituation, System: interactions.SystemUseSituation, SystemName: interactions.NameUseSituation, Display: situation,
	})
	x.user(o.User)
}

func (x *xmlWriter) user(u User) {
	typeCode := u.TypeCode
	if typeCode == "" {
		typeCode = "PRF"
	}
	x.start("authorOrPerformer", "typeCode", typeCode)
	x.start("assignedPerson")
	x.id("id", u.ID)
	x.start("assignedPerson")
	x.name(u.Name)
	x.end()
	x.start("representedOrganization")
	x.id("id", u.Organization.ID)
	x.element("name", u.Organization.Name.Value)
	x.end()
	x.end()
	x.end()
}

// clinicalDocument writes the metadata in the order of kanta-interface 3.2.
func (x *xmlWriter) clinicalDocument(m *cda.Metadata, document []byte, o *Options) {
	x.start("clinicalDocument", "classCode", "DOCCLIN", "moodCode", "EVN")
	x.empty("realmCode", "code", "FI")
	x.empty("typeId", "extension", "POCD_HD000040", "root", cda.RootTypeID)
	x.id("id", m.ID)
	register := m.Local.RegistryType
	if !register.HasValue() {
		register = m.Code
	}
	x.coded("code", register)
	status := "COMPLETED"
	if o.byFrame() {
		if o.Form == interactions.ByStatus {
			status = "NULLIFIED"
		}
	} else {
		x.start("text", "mediaType", "multipart/related")
		x.mime(m.ID.Root, document, o.Attachments)
		x.end()
	}
	x.empty("statusCode", "code", status)
	x.empty("effectiveTime", "value", m.EffectiveTime.Raw)
	x.coded("confidentialityCode", m.Confidentiality)
	if o.Operation != interactions.New {
		x.coded("reasonCode", o.Reason)
	}
	x.coded("languageCode", m.Language)
	x.id("setId", m.SetID)
	x.empty("versionNumber", "value", m.Version.Raw)
	x.coded("completionCode", cda.Coded{
		Code: "LA", System: "1.2.246.537.5.40115.2006", SystemName: "KanTa-palvelut - Dokumentin valmiusaste", Display: "Legally authenticated",
	})
	x.coded("storageCode", cda.Coded{
		Code: "AC", System: "1.2.246.537.5.40116.2006", SystemName: "KanTa-palvelut - Dokumentin arkistointikoodi (DocumentStorage)", Display: "Active",
	})
	x.parties(m, o)
	x.end()
}

func (x *xmlWriter) custodian(o *cda.Organization) {
	x.start("custodian", "typeCode", "CST")
	x.start("assignedCustodian", "classCode", "ASSIGNED")
	x.start("representedOrganization", "classCode", "ORG", "determinerCode", "INSTANCE")
	x.id("id", o.ID)
	x.element("name", o.Name.Value)
	x.end()
	x.end()
	x.end()
}

func (x *xmlWriter) parties(m *cda.Metadata, o *Options) {
	for i := range m.Clients {
		x.client(&m.Clients[i])
	}
	x.author(o.Author)
	x.custodian(&m.Custodian)
	for i := range m.Related {
		if !o.byFrame() { // the document itself is nullified, not what it replaced
			x.related(&m.Related[i])
		}
	}
	if !m.Encounter.ID.HasValue() {
		return
	}
	x.start("componentOf")
	x.start("encounterEvent", "classCode", "ENC", "moodCode", "EVN")
	x.empty("id", "root", m.Encounter.ID.Root, "extension", m.Encounter.ID.Extension)
	x.empty("effectiveTime", "nullFlavor", "NA")
	x.start("location")
	x.start("healthCareFacility", "classCode", "SDLOC")
	x.empty("location", "classCode", "PLC", "determinerCode", "INSTANCE")
	x.end()
	x.end()
	x.end()
	x.end()
}

func (x *xmlWriter) client(c *cda.Client) {
	x.start("recordTarget", "typeCode", "RCT")
	x.start("patient", "classCode", "PAT")
	x.id("id", c.ID)
	x.empty("statusCode", "code", "normal")
	x.start("patientPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
	x.name(c.Name)
	if c.Gender.HasValue() {
		x.coded("administrativeGenderCode", c.Gender)
	}
	if c.BirthTime.HasValue() {
		x.empty("birthTime", "value", c.BirthTime.Raw)
	}
	x.end()
	x.end()
	x.end()
}

func (x *xmlWriter) author(a *cda.Author) {
	x.start("author", "typeCode", "AUT")
	x.empty("time", "nullFlavor", "NA")
	x.start("assignedAuthor", "classCode", "ASSIGNED")
	x.id("id", a.ID)
	if a.Name.HasValue() {
		x.start("assignedPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
		x.name(a.Name)
		x.end()
	}
	x.end()
	x.end()
}

func (x *xmlWriter) related(r *cda.RelatedDocument) {
	x.start("relatedDocument", "typeCode", r.TypeCode)
	x.start("parentDocument", "classCode", "DOCCLIN", "moodCode", "EVN")
	x.id("id", r.ID)
	x.id("setId", r.SetID)
	if r.Version.HasValue() {
		x.empty("versionNumber", "value", r.Version.Raw)
	}
	x.end()
	x.end()
}

// id writes an identifier; one without value as nullFlavor NA.
func (x *xmlWriter) id(name string, id cda.ID) {
	if !id.HasValue() {
		x.empty(name, "nullFlavor", orNA(id.NullFlavor))
		return
	}
	x.empty(name, "extension", id.Extension, "root", id.Root)
}

// coded writes a coded value; one without value is left out.
func (x *xmlWriter) coded(name string, c cda.Coded) {
	if !c.HasValue() {
		return
	}
	x.empty(name, "code", c.Code, "codeSystem", c.System, "codeSystemName", c.SystemName, "displayName", c.Display)
}

func orNA(nullFlavor string) string {
	if nullFlavor == "" {
		return "NA"
	}
	return nullFlavor
}

// name writes family, given and call name in the order of real frames.
func (x *xmlWriter) name(n cda.Name) {
	if !n.HasValue() {
		x.empty("name", "nullFlavor", orNA(n.NullFlavor))
		return
	}
	x.start("name")
	for _, f := range n.Family {
		x.element("family", f)
	}
	for _, g := range n.Given {
		x.element("given", g)
	}
	x.element("given", n.CallName, "qualifier", "CL")
	x.end()
}

func (x *xmlWriter) device(name, typeCode, oid string) {
	x.start(name, "typeCode", typeCode)
	x.start("device", "classCode", "DEV", "determinerCode", "INSTANCE")
	if oid == "" {
		x.empty("id", "nullFlavor", "NI")
	} else {
		x.empty("id", "root", oid)
	}
	x.end()
	x.end()
}

// mime writes the package: headers, the document, attachments.
func (x *xmlWriter) mime(documentID string, document []byte, attachments []Attachment) {
	x.b = append(x.b, "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=\""+boundary+"\"; type=\"text/xml\"\n\n"...)
	x.mimePart("text/xml; charset=UTF-8", documentID, document)
	for _, a := range attachments {
		x.mimePart(a.MediaType, a.ContentID, a.Bytes)
	}
	x.b = append(x.b, "--"+boundary+"--\n"...)
}

func (x *xmlWriter) mimePart(contentType, contentID string, content []byte) {
	x.b = append(x.b, "--"+boundary+"\nContent-Type: "...)
	x.escape(contentType, false)
	x.b = append(x.b, "\nContent-Transfer-Encoding: BASE64\nContent-ID: &lt;"...)
	x.escape(contentID, false)
	x.b = append(x.b, "&gt;\n\n"...)
	x.base64(content)
}

// base64 writes content in lines of 76 characters.
func (x *xmlWriter) base64(content []byte) {
	const line = 57 // bytes, 76 characters
	for len(content) > 0 {
		n := min(line, len(content))
		x.b = base64.StdEncoding.AppendEncode(x.b, content[:n])
		x.b = append(x.b, '\n')
		content = content[n:]
	}
}
