package frame

import (
	"errors"
	"io"
	"strconv"
	"time"

	"portti/cda"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Verdicts of an application acknowledgement, which answers a query.
const (
	Answered    AckCode = "AA"
	AnswerError AckCode = "AE"
	AnswerNot   AckCode = "AR"
)

// ResponseCode is queryResponseCode.
type ResponseCode string

// The outcomes of a query: documents found, none found, an error of the archive or of
// what the asker may, an error in the query.
const (
	ResponseOK    ResponseCode = "OK"
	ResponseNone  ResponseCode = "NF"
	ResponseError ResponseCode = "AE"
	ResponseQuery ResponseCode = "QE"
)

// Response is the answer to a query (vastaussanoma, kanta-interface 9).
type Response struct {
	// Root is the answer's name and interaction.
	Root         string
	ID           cda.ID
	CreationTime time.Time
	// Receiver and Sender are device OIDs: the request's sender and receiver.
	Receiver, Sender string
	// ProcessingCode is the request's, D by default.
	ProcessingCode string
	Code           AckCode
	// Target is the id of the message that is answered.
	Target  cda.ID
	Details []Detail
	// Trigger is the trigger event, "" for none.
	Trigger string
	// QueryID is that of the query. Total, Current and Remaining count documents; Total
	// below 0 is not told.
	QueryID                   cda.ID
	Outcome                   ResponseCode
	Total, Current, Remaining int
	// Documents are the answer's subjects.
	Documents []Described
	// Echo is queryByParameter as it came, as one element; empty leaves it out.
	Echo []byte
}

// Described is one document of an answer.
type Described struct {
	ID, SetID string
	Version   int
	// Status is statusCode: COMPLETED, OBSOLETE (replaced) or NULLIFIED.
	Status string
	// Register and Controller are the present ones.
	Register, Controller string
	Summary              Summary
	// Protected tells that the client is under non-disclosure for safety.
	Protected bool
	// Document is the exact document where the answer carries it, with Attachments.
	Document    []byte
	Attachments []Attachment
}

// SystemRegister is "Sosiaalihuolto - Asiakirjan rekisteritunnus".
const SystemRegister = "1.2.246.537.6.1264.201701"

// The label of non-disclosure for safety (turvakielto; kanta-facts-2, 6).
const (
	systemLabel    = "2.25.207385137936911274813652748155389265194"
	protectedLabel = "TURVAKIELTO"
)

// ErrResponseIncomplete: the response lacks name, id, time, code or target.
var ErrResponseIncomplete = errors.New("frame: a response needs a name, an id, a creation time, a code and a target")

// WriteResponse writes the answer, without XML declaration. The work is linear in
// the size of the documents. Errors: ErrResponseIncomplete or those of w.
func WriteResponse(w io.Writer, r *Response) error {
	if r.Root == "" || !r.ID.HasValue() || r.CreationTime.IsZero() || r.Code == "" || !r.Target.HasValue() {
		return ErrResponseIncomplete
	}
	x := &xmlWriter{b: make([]byte, 0, r.size())}
	x.start(r.Root, "xmlns", cda.NamespaceHL7, "ITSVersion", "XML_1.0")
	x.id("id", r.ID)
	x.empty("creationTime", "value", cda.FormatTS(r.CreationTime))
	x.empty("versionCode", "code", "V3-2006")
	x.empty("interactionId", "extension", r.Root, "root", RootInteraction)
	processing := r.ProcessingCode
	if processing == "" {
		processing = "D"
	}
	x.empty("processingCode", "code", processing)
	x.empty("processingModeCode", "code", "T")
	x.empty("acceptAckCode", "code", "NE")
	x.device("receiver", "RCV", r.Receiver)
	x.device("sender", "SND", r.Sender)
	x.acknowledgement(&Acknowledgement{Code: r.Code, Target: r.Target, Details: r.Details})
	x.start("controlActProcess", "classCode", "CACT", "moodCode", "EVN")
	x.empty("code", "code", r.Trigger, "codeSystem", SystemTrigger)
	for i := range r.Documents {
		x.start("subject", "typeCode", "SUBJ")
		x.described(&r.Documents[i])
		x.end()
	}
	x.queryAck(r)
	x.b = append(x.b, r.Echo...)
	x.end()
	x.end()
	if x.err != nil {
		return x.err
	}
	_, err := w.Write(x.b)
	return err
}

// size estimates the octets, so that they are written in one place.
func (r *Response) size() int {
	n := 4<<10 + len(r.Echo) + 256*len(r.Details)
	for _, d := range r.Documents {
		n += 6<<10 + len(d.Document)*7/5
		for _, a := range d.Attachments {
			n += 512 + len(a.Bytes)*7/5
		}
	}
	return n
}

func (x *xmlWriter) queryAck(r *Response) {
	x.start("queryAck")
	if r.QueryID.HasValue() {
		x.id("queryId", r.QueryID)
	}
	x.empty("statusCode", "code", "deliveredResponse")
	x.empty("queryResponseCode", "code", string(r.Outcome))
	if r.Total >= 0 {
		x.empty("resultTotalQuantity", "value", strconv.Itoa(r.Total))
	}
	x.empty("resultCurrentQuantity", "value", strconv.Itoa(r.Current))
	x.empty("resultRemainingQuantity", "value", strconv.Itoa(r.Remaining))
	x.end()
}

// described writes clinicalDocument in the order of kanta-interface 3.2, and behind it
// the local header's descriptive metadata.
func (x *xmlWriter) described(d *Described) {
	s := &d.Summary
	x.start("clinicalDocument", "classCode", "DOCCLIN", "moodCode", "EVN")
	x.empty("realmCode", "code", "FI")
	x.empty("typeId", "extension", "POCD_HD000040", "root", cda.RootTypeID)
	x.empty("id", "root", d.ID)
	x.empty("code", "code", d.Register, "codeSystem", SystemRegister)
	if d.Document != nil {
		x.start("text", "mediaType", "multipart/related")
		x.mime(d.ID, d.Document, d.Attachments)
		x.end()
	}
	x.empty("statusCode", "code", d.Status)
	x.empty("effectiveTime", "value", s.Time)
	x.coded("confidentialityCode", s.Confidentiality.coded())
	if d.Protected {
		x.empty("confidentialityCode", "code", protectedLabel, "codeSystem", systemLabel)
	}
	if s.Local != nil {
		x.coded("reasonCode", s.Local.Correction.coded())
	}
	if s.Language != "" {
		x.empty("languageCode", "code", s.Language)
	}
	x.empty("setId", "root", d.SetID)
	x.empty("versionNumber", "value", strconv.Itoa(d.Version))
	for _, c := range s.Clients {
		x.client(&cda.Client{ID: c.id(), Name: c.name(), Gender: c.Gender.coded(), BirthTime: cda.Timestamp{Raw: c.Born}})
	}
	for _, a := range s.Authors {
		x.describedAuthor(a)
	}
	x.describedParties(d)
	x.describedLocal(s)
	x.end()
}

func (x *xmlWriter) describedAuthor(a Person) {
	x.start("author", "typeCode", "AUT")
	x.empty("time", "nullFlavor", "NA")
	x.start("assignedAuthor", "classCode", "ASSIGNED")
	x.id("id", a.id())
	if a.name().HasValue() {
		x.start("assignedPerson", "classCode", "PSN", "determinerCode", "INSTANCE")
		x.name(a.name())
		x.end()
	}
	x.org("representedOrganization", a.Org)
	x.end()
	x.end()
}

// org writes an organisation; one without OID is left out.
func (x *xmlWriter) org(name string, o Org) {
	if o.Root == "" {
		return
	}
	x.start(name, "classCode", "ORG", "determinerCode", "INSTANCE")
	x.empty("id", "root", o.Root)
	x.element("name", o.Name)
	x.end()
}

func (x *xmlWriter) describedParties(d *Described) {
	s := &d.Summary
	controller := Org{Root: d.Controller}
	if s.Controller.Root == d.Controller {
		controller = s.Controller
	}
	x.start("custodian", "typeCode", "CST")
	x.start("assignedCustodian", "classCode", "ASSIGNED")
	x.org("representedOrganization", controller)
	x.end()
	x.end()
	if s.Replaces != nil {
		r := cda.RelatedDocument{TypeCode: "RPLC", ID: cda.ID{Root: s.Replaces.ID}, SetID: cda.ID{Root: s.Replaces.SetID}}
		if s.Replaces.Version != "" {
			r.Version = cda.ParseNumber(s.Replaces.Version)
		}
		x.related(&r)
	}
	if s.Case == "" && s.Unit.Root == "" {
		return
	}
	x.start("componentOf", "typeCode", "COMP")
	x.start("encounterEvent", "classCode", "ENC", "moodCode", "EVN")
	x.id("id", cda.ID{Root: s.Case})
	x.empty("effectiveTime", "nullFlavor", "NA")
	if s.Unit.Root != "" {
		x.start("location", "typeCode", "LOC")
		x.start("healthCareFacility", "classCode", "SDLOC")
		x.empty("id", "root", s.Unit.Root)
		x.org("serviceProviderOrganization", s.Unit)
		x.end()
		x.end()
	}
	x.end()
	x.end()
}

// describedLocal writes localSocialHeader in the order of kanta-interface 5.3.
func (x *xmlWriter) describedLocal(s *Summary) {
	l := s.Local
	if l == nil {
		return
	}
	x.start("fi:localSocialHeader", "xmlns:fi", cda.NamespaceFinland)
	x.coded("fi:specificDocumentType", l.Specific.coded())
	if l.Created != "" {
		x.empty("fi:creationTime", "value", l.Created)
	}
	x.coded("fi:documentGroup", l.Group.coded())
	x.coded("fi:fileFormat", l.Format.coded())
	x.coded("fi:structuredFileFormat", l.StructuredFormat.coded())
	x.coded("fi:functionCode", l.Task.coded())
	x.coded("fi:recordStatus", l.Status.coded())
	if s.Organiser.Root != "" {
		x.empty("fi:outsourcingServiceCustomer", "root", s.Organiser.Root)
		x.element("fi:outsourcingServiceCustomerName", s.Organiser.Name)
	}
	x.coded("fi:totalRetentionPeriodClass", l.Retention.coded())
	x.coded("fi:specialContent", l.Special.coded())
	x.element("fi:contentSpecificationId", l.ContentSpec)
	if l.Relationship != "" {
		x.empty("fi:encompassingClientRelationship", "root", l.Relationship)
	}
	if l.Process.Code != "" {
		x.start("fi:serviceProcess")
		x.element("fi:type", "Sosiaalihuollon palveluprosessi")
		x.coded("fi:code", l.Process.coded())
		x.end()
	}
	x.coded("fi:inaccessibleArgument", l.Restriction.coded())
	x.coded("fi:reasonOfCorrection", l.Correction.coded())
	x.end()
}

// ReadResponse reads an answer whose element is root: the acknowledgement, the counts
// and the documents' metadata. Packages are unpacked by the caller with
// (*Answered).Package.
func ReadResponse(t *xmltree.Tree, root xmltree.Node) (*Received, []finding.Finding) {
	ack, fs := ReadAck(t, root)
	r := &Received{Acknowledgement: ack}
	act := t.Child(root, cda.NamespaceHL7, "controlActProcess")
	if act == xmltree.None {
		return r, fs
	}
	for n := range t.Children(act) {
		switch {
		case t.Is(n, cda.NamespaceHL7, "queryAck"):
			r.queryAck(t, n)
		case t.Is(n, cda.NamespaceHL7, "subject"):
			r.subject(t, n)
		}
	}
	return r, fs
}

// Received is an answer as a client reads it.
type Received struct {
	*Acknowledgement
	QueryID cda.ID
	Outcome ResponseCode
	// Total is -1 where not told.
	Total, Current, Remaining int
	Documents                 []ReceivedDocument
}

// ReceivedDocument is one document of an answer.
type ReceivedDocument struct {
	Metadata
	frame *Frame
}

// Package unpacks the document's package; nil where the answer has none.
func (d *ReceivedDocument) Package() (*Package, []finding.Finding) {
	if d.Text <= 0 {
		return nil, nil
	}
	return d.frame.Package()
}

func (r *Received) queryAck(t *xmltree.Tree, n xmltree.Node) {
	r.Total = -1
	for x := range t.Children(n) {
		switch t.Local(x) {
		case "queryId":
			r.QueryID = cda.ReadID(t, x)
		case "queryResponseCode":
			r.Outcome = ResponseCode(t.Attr(x, "code"))
		case "resultTotalQuantity":
			r.Total = cda.ReadNumber(t, x).Value
		case "resultCurrentQuantity":
			r.Current = cda.ReadNumber(t, x).Value
		case "resultRemainingQuantity":
			r.Remaining = cda.ReadNumber(t, x).Value
		}
	}
}

func (r *Received) subject(t *xmltree.Tree, n xmltree.Node) {
	f := &Frame{Tree: t}
	read := &reader{t: t, f: f}
	for x := range t.Children(n) {
		if t.Is(x, cda.NamespaceHL7, "clinicalDocument") {
			f.Document.Node = x
			read.document(&f.Document)
			r.Documents = append(r.Documents, ReceivedDocument{f.Document, f})
		}
	}
}
