package frame

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// AckCode is the verdict of an accept acknowledgement.
type AckCode string

// The verdicts (design/decisions, Findings).
const (
	// Accepted: CA.
	Accepted AckCode = "CA"
	// Refused: CE, the document is at fault; do not resend it as it is.
	Refused AckCode = "CE"
	// NotNow: CR, it cannot be taken now; resend.
	NotNow AckCode = "CR"
)

// Names of acknowledgements.
const (
	// AckRoot is the accept acknowledgement's interaction (kanta-interface 8).
	AckRoot = "MCCI_IN000002UV01"
	// SystemError is "Kanta-palvelut - Prosessivirheet ja huomautukset".
	SystemError = "1.2.246.537.5.40112.2006"
	// SystemRule is the code system of our rule ids, an OID made of a UUID.
	SystemRule = "2.25.108493439615153174566577556869728612873"
	// NameRule is its name.
	NameRule  = "portti"
	nameError = "Kanta-palvelut - Prosessivirheet ja huomautukset"
)

// Acknowledgement is an accept acknowledgement (vastaanottokuittaus).
type Acknowledgement struct {
	// Root is the root's name and interaction, AckRoot by default.
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
	// ChildForm writes typeCode as a child element of acknowledgement, as newer
	// wrappers have it; by default it is an attribute (kanta-interface 8).
	ChildForm bool
}

// Detail is one acknowledgementDetail.
type Detail struct {
	// Severity is written as typeCode E, W or I.
	Severity finding.Severity
	// Rule is our rule id.
	Rule string
	// Code is the national error code, empty where none is known.
	Code string
	Text string
	// Location is "source line:column path".
	Location []string
}

// Details turns resolved findings into details: text and hint in the language
// they were resolved in, and their place.
func Details(findings []catalogue.Resolved) []Detail {
	out := make([]Detail, 0, len(findings))
	for i := range findings {
		f := &findings[i]
		d := Detail{Severity: f.Severity, Rule: f.Rule, Code: f.Code, Text: f.Message}
		if f.Value != "" && !strings.Contains(f.Message, f.Value) {
			d.Text += " [" + f.Value + "]"
		}
		if f.Hint != "" {
			d.Text += " " + f.Hint
		}
		if l := location(f); l != "" {
			d.Location = []string{l}
		}
		out = append(out, d)
	}
	return out
}

// location gives "document 12:34 /ClinicalDocument[1]/id[1]/@root", as much of it
// as is known.
func location(f *catalogue.Resolved) string {
	var parts []string
	if f.Source != "" {
		parts = append(parts, string(f.Source))
	}
	if f.Line > 0 {
		parts = append(parts, strconv.Itoa(f.Line)+":"+strconv.Itoa(f.Column))
	}
	if f.XPath != "" {
		parts = append(parts, f.XPath)
	}
	return strings.Join(parts, " ")
}

// AckFor begins the acknowledgement of a frame: addresses turned round, target
// and processing code taken over. The frame must not be Fatal.
func AckFor(f *Frame, id cda.ID, now time.Time, code AckCode, details []Detail) *Acknowledgement {
	return &Acknowledgement{
		ID: id, CreationTime: now, Receiver: f.Sender.ID.Root, Sender: f.Receiver.ID.Root,
		ProcessingCode: f.ProcessingCode.Code, Code: code, Target: f.ID, Details: details,
	}
}

// ErrAckIncomplete: the acknowledgement lacks id, time, code or target.
var ErrAckIncomplete = errors.New("frame: an acknowledgement needs an id, a creation time, a code and a target")

// WriteAck writes the acknowledgement, without XML declaration. Errors:
// ErrAckIncomplete or those of w. A character that XML cannot carry, which can
// come with a finding's value, is written as a middle dot.
func WriteAck(w io.Writer, a *Acknowledgement) error {
	if !a.ID.HasValue() || a.CreationTime.IsZero() || a.Code == "" || !a.Target.HasValue() {
		return ErrAckIncomplete
	}
	root := a.Root
	if root == "" {
		root = AckRoot
	}
	x := &xmlWriter{}
	x.start(root, "xmlns", cda.NamespaceHL7, "ITSVersion", "XML_1.0")
	x.id("id", a.ID)
	x.empty("creationTime", "value", cda.FormatTS(a.CreationTime))
	x.empty("versionCode", "code", "V3-2006")
	x.empty("interactionId", "extension", root, "root", RootInteraction)
	processing := a.ProcessingCode
	if processing == "" {
		processing = "D"
	}
	x.empty("processingCode", "code", processing)
	x.empty("processingModeCode", "code", "T")
	x.empty("acceptAckCode", "code", "NE")
	x.device("receiver", "RCV", a.Receiver)
	x.device("sender", "SND", a.Sender)
	x.acknowledgement(a)
	x.end()
	if x.err != nil {
		return x.err
	}
	_, err := w.Write(x.b)
	return err
}

func (x *xmlWriter) acknowledgement(a *Acknowledgement) {
	if a.ChildForm {
		x.start("acknowledgement")
		x.empty("typeCode", "code", string(a.Code))
	} else {
		x.start("acknowledgement", "typeCode", string(a.Code))
	}
	x.start("targetMessage")
	x.id("id", a.Target)
	x.end()
	for i := range a.Details {
		x.detail(&a.Details[i])
	}
	x.end()
}

// detail writes one acknowledgementDetail. The national code comes first where it
// is known, with our rule id as its translation; else our rule id is the code.
func (x *xmlWriter) detail(d *Detail) {
	x.start("acknowledgementDetail", "typeCode", typeCodeOf(d.Severity))
	own := []string{"code", d.Rule, "codeSystem", SystemRule, "codeSystemName", NameRule}
	if d.Code == "" {
		x.empty("code", own...)
	} else {
		x.start("code", "code", d.Code, "codeSystem", SystemError, "codeSystemName", nameError)
		x.empty("translation", own...)
		x.end()
	}
	x.element("text", sanitise(d.Text))
	for _, l := range d.Location {
		x.element("location", sanitise(l))
	}
	x.end()
}

// sanitise replaces what XML cannot carry.
func sanitise(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' && r != '\r' || r == 0xfffe || r == 0xffff {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "·"))
}

func typeCodeOf(s finding.Severity) string {
	switch s {
	case finding.Error:
		return "E"
	case finding.Warning:
		return "W"
	default:
		return "I"
	}
}

// ReadAck reads an acknowledgement whose element is root, in either form. Any
// root that holds an acknowledgement element is taken, as the national name is
// not known.
func ReadAck(t *xmltree.Tree, root xmltree.Node) (*Acknowledgement, []finding.Finding) {
	r := &reader{t: t}
	a := &Acknowledgement{Root: t.Local(root)}
	var ack xmltree.Node
	for n := range t.Children(root) {
		if t.Space(n) != cda.NamespaceHL7 {
			continue
		}
		switch t.Local(n) {
		case "id":
			a.ID = cda.ReadID(t, n)
		case "creationTime":
			a.CreationTime = cda.ReadTimestamp(t, n).Time
		case "processingCode":
			a.ProcessingCode = t.Attr(n, "code")
		case "receiver":
			a.Receiver = readDevice(t, n).ID.Root
		case "sender":
			a.Sender = readDevice(t, n).ID.Root
		case "acknowledgement":
			ack = n
		}
	}
	if ack <= 0 {
		r.add(RuleAckRoot, root, t.Local(root))
		return a, r.out
	}
	r.readAcknowledgement(a, ack)
	return a, r.out
}

func (r *reader) readAcknowledgement(a *Acknowledgement, n xmltree.Node) {
	a.Code = AckCode(r.t.Attr(n, "typeCode"))
	for x := range r.t.Children(n) {
		switch {
		case r.t.Is(x, cda.NamespaceHL7, "typeCode"):
			a.Code, a.ChildForm = AckCode(r.t.Attr(x, "code")), true
		case r.t.Is(x, cda.NamespaceHL7, "targetMessage"):
			if id := r.t.Child(x, cda.NamespaceHL7, "id"); id != xmltree.None {
				a.Target = cda.ReadID(r.t, id)
			}
		case r.t.Is(x, cda.NamespaceHL7, "acknowledgementDetail"):
			a.Details = append(a.Details, r.readDetail(x))
		}
	}
	switch a.Code {
	case Accepted, Refused, NotNow, "AA", "AE", "AR":
	default:
		r.add(RuleAckType, n, string(a.Code))
	}
	if !a.Target.HasValue() {
		r.add(RuleAckTarget, n, "")
	}
}

func (r *reader) readDetail(n xmltree.Node) Detail {
	d := Detail{Severity: finding.Info}
	switch r.t.Attr(n, "typeCode") {
	case "E":
		d.Severity = finding.Error
	case "W":
		d.Severity = finding.Warning
	}
	for x := range r.t.Children(n) {
		switch r.t.Local(x) {
		case "code":
			d.addCode(cda.ReadCoded(r.t, x))
			for tr := range r.t.Children(x) {
				d.addCode(cda.ReadCoded(r.t, tr))
			}
		case "text":
			d.Text = cda.ReadText(r.t, x).Value
		case "location":
			d.Location = append(d.Location, cda.ReadText(r.t, x).Value)
		}
	}
	return d
}

func (d *Detail) addCode(c cda.Coded) {
	switch c.System {
	case SystemRule:
		d.Rule = c.Code
	case SystemError, "":
		d.Code = c.Code
	}
}
