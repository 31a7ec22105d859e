package frame

import (
	"strings"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Reader reads frames by one profile and table. The zero Reader is strict, with
// the embedded table.
type Reader struct {
	Profile catalogue.Profile
	Table   *interactions.Table
}

// Read reads the frame whose element is root, by profile p and the embedded
// table. See Reader.Read.
func Read(t *xmltree.Tree, root xmltree.Node, p catalogue.Profile) (*Frame, []finding.Finding) {
	return Reader{Profile: p}.Read(t, root)
}

// Read reads the frame whose element is root. It never gives nil; see
// Frame.Fatal for what cannot be acknowledged.
func (c Reader) Read(t *xmltree.Tree, root xmltree.Node) (*Frame, []finding.Finding) {
	f := &Frame{Tree: t, Root: root, profile: c.Profile, table: c.Table}
	if f.profile == "" {
		f.profile = catalogue.Strict
	}
	if f.table == nil {
		f.table = interactions.Default()
	}
	r := &reader{t: t, f: f}
	r.root()
	if f.Interaction == nil {
		return f, r.out
	}
	for n := range t.Children(root) {
		if t.Space(n) == cda.NamespaceHL7 {
			r.wrapper(n)
		}
	}
	r.judgeWrapper()
	if f.ControlAct > 0 {
		r.judgeControlAct()
	}
	return f, r.out
}

// reader walks one frame and collects findings.
type reader struct {
	t   *xmltree.Tree
	f   *Frame
	out []finding.Finding
}

func (r *reader) add(rule string, n xmltree.Node, value string, params ...finding.Param) {
	if len(r.out) >= finding.Limit {
		return
	}
	r.out = append(r.out, finding.Finding{Rule: rule, Place: r.t.Place(n, finding.SourceFrame), Value: value, Params: params})
}

// addAttr points at an attribute's value, or the element where it lacks it.
func (r *reader) addAttr(rule string, n xmltree.Node, attr, value string, params ...finding.Param) {
	a, ok := r.t.LookupAttr(n, "", attr)
	if !ok {
		r.add(rule, n, value, params...)
		return
	}
	if len(r.out) >= finding.Limit {
		return
	}
	r.out = append(r.out, finding.Finding{
		Rule: rule, Place: r.t.AttrPlace(n, a, finding.SourceFrame), Value: value, Params: params,
	})
}

// at gives n, or the nearest parent where n is absent.
func at(n, parent xmltree.Node) xmltree.Node {
	if n > 0 {
		return n
	}
	return parent
}

// root judges the root element's name.
func (r *reader) root() {
	f, t := r.f, r.t
	name := t.Local(f.Root)
	if t.Space(f.Root) == cda.NamespaceHL7 {
		f.Interaction = f.table.Interaction(name)
	}
	f.ITSVersion = t.Attr(f.Root, "ITSVersion")
	if f.Interaction == nil {
		f.Fatal = true
		r.add(RuleRootUnknown, f.Root, name)
		return
	}
	switch {
	case f.Interaction.Domain == interactions.Health:
		r.add(RuleRootHealth, f.Root, name)
	case f.Interaction.Certainty == interactions.Local:
		r.add(RuleRootAssumed, f.Root, name)
	}
}

// once gives whether present is still false; else it makes the finding that n
// stands twice. The first counts.
func (r *reader) once(present bool, n xmltree.Node) bool {
	if present {
		r.add(RuleRepeated, n, "", finding.P("element", r.t.Local(n)))
	}
	return !present
}

func (r *reader) coded(dst *cda.Coded, n xmltree.Node) {
	if r.once(dst.Present(), n) {
		*dst = cda.ReadCoded(r.t, n)
	}
}

func (r *reader) id(dst *cda.ID, n xmltree.Node) {
	if r.once(dst.Present(), n) {
		*dst = cda.ReadID(r.t, n)
	}
}

func (r *reader) time(dst *cda.Timestamp, n xmltree.Node) {
	if r.once(dst.Present(), n) {
		*dst = cda.ReadTimestamp(r.t, n)
	}
}

// wrapper reads one child of the root (kanta-interface 3.1, 3.5).
func (r *reader) wrapper(n xmltree.Node) {
	f := r.f
	switch r.t.Local(n) {
	case "id":
		r.id(&f.ID, n)
	case "creationTime":
		r.time(&f.CreationTime, n)
	case "securityText":
		f.SecurityText = cda.ReadText(r.t, n)
	case "versionCode":
		r.coded(&f.VersionCode, n)
	case "interactionId":
		r.id(&f.InteractionID, n)
	case "profileId":
		f.ProfileIDs = append(f.ProfileIDs, cda.ReadID(r.t, n))
	case "processingCode":
		r.coded(&f.ProcessingCode, n)
	case "processingModeCode":
		r.coded(&f.ProcessingMode, n)
	case "acceptAckCode":
		r.coded(&f.AcceptAck, n)
	case "receiver":
		if r.once(f.Receiver.Present(), n) {
			f.Receiver = readDevice(r.t, n)
		}
	case "sender":
		if r.once(f.Sender.Present(), n) {
			f.Sender = readDevice(r.t, n)
		}
	case "controlActProcess":
		if r.once(f.ControlAct > 0, n) {
			r.controlAct(n)
		}
	}
}

// readDevice reads receiver or sender/device/id. More than one id is allowed.
func readDevice(t *xmltree.Tree, n xmltree.Node) Device {
	d := Device{Node: n}
	device := t.Child(n, cda.NamespaceHL7, "device")
	if device == xmltree.None {
		return d
	}
	for x := range t.Children(device) {
		switch {
		case t.Is(x, cda.NamespaceHL7, "id") && d.ID.Present():
			d.MoreIDs = append(d.MoreIDs, cda.ReadID(t, x))
		case t.Is(x, cda.NamespaceHL7, "id"):
			d.ID = cda.ReadID(t, x)
		case t.Is(x, cda.NamespaceHL7, "name"):
			d.Name = cda.ReadText(t, x)
		}
	}
	return d
}

// controlAct reads controlActProcess.
func (r *reader) controlAct(n xmltree.Node) {
	f := r.f
	f.ControlAct, f.MoodCode = n, r.t.Attr(n, "moodCode")
	for x := range r.t.Children(n) {
		if r.t.Space(x) != cda.NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "code":
			r.coded(&f.Trigger, x)
		case "priorityCode":
			r.coded(&f.Priority, x)
		case "reasonCode":
			f.Reasons = append(f.Reasons, cda.ReadCoded(r.t, x))
		case "authorOrPerformer":
			if r.once(f.User.Present(), x) {
				f.User = r.user(x)
			}
		case "subject":
			r.subject(x)
		case "queryByParameter", "queryContinuation":
			if r.once(f.Query > 0, x) {
				f.Query = x
			}
		}
	}
}

// user reads authorOrPerformer/assignedPerson{id, assignedPerson/name,
// representedOrganization}.
func (r *reader) user(n xmltree.Node) User {
	u := User{Node: n, TypeCode: r.t.Attr(n, "typeCode")}
	role := r.t.Child(n, cda.NamespaceHL7, "assignedPerson")
	if role == xmltree.None {
		return u
	}
	for x := range r.t.Children(role) {
		if r.t.Space(x) != cda.NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "id":
			if !u.ID.Present() {
				u.ID = cda.ReadID(r.t, x)
			}
		case "assignedPerson":
			if name := r.t.Child(x, cda.NamespaceHL7, "name"); name != xmltree.None {
				u.Name = cda.ReadName(r.t, name)
			}
		case "representedOrganization":
			u.Organization = cda.ReadOrganization(r.t, x)
		}
	}
	return u
}

// subject reads subject/clinicalDocument. More than one is not taken: a frame
// carries one document.
func (r *reader) subject(n xmltree.Node) {
	if r.f.Subject > 0 {
		r.add(RuleSubjectRepeated, n, "")
		return
	}
	r.f.Subject = n
	for x := range r.t.Children(n) {
		if !r.t.Is(x, cda.NamespaceHL7, "clinicalDocument") {
			continue
		}
		if r.f.Document.Present() {
			r.add(RuleSubjectRepeated, x, "")
			continue
		}
		r.f.Document.Node = x
		r.document(&r.f.Document)
	}
}

// document reads clinicalDocument (kanta-interface 3.2).
func (r *reader) document(m *Metadata) {
	for n := range r.t.Children(m.Node) {
		switch {
		case r.t.Space(n) == cda.NamespaceHL7:
			r.documentField(m, n)
		case r.t.Is(n, cda.NamespaceFinland, "localHeader") || r.t.Is(n, cda.NamespaceFinland, "localSocialHeader"):
			if r.once(m.Local.Kind != cda.NoLocalHeader, n) {
				m.Local = cda.ReadLocalHeader(r.t, n)
			}
		}
	}
}

func (r *reader) documentField(m *Metadata, n xmltree.Node) {
	switch r.t.Local(n) {
	case "realmCode":
		m.RealmCodes = append(m.RealmCodes, cda.ReadCoded(r.t, n))
	case "typeId":
		r.id(&m.TypeID, n)
	case "templateId":
		m.TemplateIDs = append(m.TemplateIDs, cda.ReadID(r.t, n))
	case "id":
		r.id(&m.ID, n)
	case "code":
		r.coded(&m.Register, n)
	case "text":
		if r.once(m.Text > 0, n) {
			m.Text, m.MediaType, m.Representation = n, r.t.Attr(n, "mediaType"), r.t.Attr(n, "representation")
		}
	case "statusCode":
		r.coded(&m.Status, n)
	case "effectiveTime":
		r.time(&m.EffectiveTime, n)
	case "confidentialityCode":
		r.coded(&m.Confidentiality, n)
	case "reasonCode":
		r.coded(&m.Reason, n)
	case "languageCode":
		r.coded(&m.Language, n)
	case "setId":
		r.id(&m.SetID, n)
	case "versionNumber":
		if r.once(m.Version.Present(), n) {
			m.Version = cda.ReadNumber(r.t, n)
		}
	case "completionCode":
		r.coded(&m.Completion, n)
	case "storageCode":
		r.coded(&m.Storage, n)
	default:
		r.documentParty(m, n)
	}
}

func (r *reader) documentParty(m *Metadata, n xmltree.Node) {
	switch r.t.Local(n) {
	case "recordTarget":
		m.Clients = append(m.Clients, cda.ReadClient(r.t, n))
	case "author":
		m.Authors = append(m.Authors, cda.ReadAuthor(r.t, n))
	case "custodian":
		if r.once(m.Custodian.Present(), n) {
			m.Custodian = cda.ReadCustodian(r.t, n)
		}
	case "relatedDocument":
		m.Related = append(m.Related, cda.ReadRelated(r.t, n))
	case "componentOf":
		if r.once(m.Encounter.Present(), n) {
			m.Encounter = cda.ReadEncounter(r.t, n)
		}
	}
}

// service finds service request and use situation among the reasonCodes. Their
// order does not matter; each counts when exactly one is there; a reasonCode
// that stands alone without codeSystem is a service request (kanta-interface 1.4).
func (r *reader) service() {
	f := r.f
	var requests, situations []cda.Coded
	for _, c := range f.Reasons {
		switch {
		case interactions.SameSystem(c.System, interactions.SystemServiceRequest),
			interactions.SameSystem(c.System, interactions.SystemHealthServiceRequest),
			c.System == "" && len(f.Reasons) == 1:
			requests = append(requests, c)
		case interactions.SameSystem(c.System, interactions.SystemUseSituation):
			situations = append(situations, c)
		}
	}
	switch {
	case len(requests) == 0 || len(requests) == 1 && requests[0].Code == "":
		r.add(RuleRequestMissing, f.ControlAct, "")
	case len(requests) > 1:
		r.add(RuleRequestRepeated, requests[1].Node, "")
	default:
		f.ServiceRequest = requests[0]
		r.serviceRequest()
	}
	switch {
	case len(situations) == 0 || len(situations) == 1 && situations[0].Code == "":
		if !f.IsHealth() {
			r.add(RuleSituationMissing, f.ControlAct, "")
		}
	case len(situations) > 1:
		r.add(RuleSituationRepeated, situations[1].Node, "")
	default:
		f.UseSituation = situations[0]
		r.useSituation()
	}
}

func (r *reader) serviceRequest() {
	f := r.f
	c := f.ServiceRequest
	health := interactions.SameSystem(c.System, interactions.SystemHealthServiceRequest)
	f.Request = f.table.ServiceRequest(c.System, c.Code)
	switch {
	case health && !f.IsHealth():
		r.addAttr(RuleRequestHealth, c.Node, "codeSystem", c.System)
	case f.Request == nil:
		r.addAttr(RuleRequestUnknown, c.Node, "code", c.Code)
	case !f.Request.Takes(f.Interaction.Name):
		r.addAttr(RuleRequestInteraction, c.Node, "code", c.Code,
			finding.P("interaction", f.Interaction.Name), finding.P("expected", strings.Join(f.Request.Interactions, ", ")))
	case f.Request.Certainty == interactions.Local:
		r.addAttr(RuleRequestAssumed, c.Node, "code", c.Code)
	}
}

func (r *reader) useSituation() {
	c := r.f.UseSituation
	switch u := r.f.table.UseSituation(c.Code); {
	case u == nil:
		r.addAttr(RuleSituationUnknown, c.Node, "code", c.Code)
	case u.Certainty == interactions.Local:
		r.addAttr(RuleSituationAssumed, c.Node, "code", c.Code)
	}
}
