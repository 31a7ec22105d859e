package cda

import (
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// Document is a CDA document as read from one tree.
type Document struct {
	Tree *xmltree.Tree
	// Root is the document element.
	Root xmltree.Node
	Metadata
	// Body tells where the body stands and what it declares itself to be. Its
	// content comes from BodyContent.
	Body BodyShape

	content *contentCache
}

// Read reads the document whose root element is the tree's. Findings tell what
// could not be read at all and what stands twice where one value is meant (the
// first counts); what is missing or wrong by content is judged by package rules.
// The Document is never nil. It may be used by one goroutine at a time.
func Read(t *xmltree.Tree) (*Document, []finding.Finding) {
	r := reader{t: t, src: finding.SourceDocument}
	d := &Document{Tree: t, Root: t.Root(), content: &contentCache{}}
	if !t.Is(d.Root, NamespaceHL7, "ClinicalDocument") {
		r.add(RuleRootWrong, d.Root, t.Local(d.Root))
		return d, r.out
	}
	for n := range t.Children(d.Root) {
		switch t.Space(n) {
		case NamespaceHL7:
			r.header(d, n)
		case NamespaceFinland:
			r.localHeader(&d.Local, n)
		}
	}
	if d.Body.Kind == NoBody {
		r.add(RuleBodyMissing, d.Root, "")
	}
	return d, r.out
}

// reader walks one tree and collects findings.
type reader struct {
	t   *xmltree.Tree
	src finding.Source
	out []finding.Finding
}

func (r *reader) add(rule string, n xmltree.Node, value string, params ...finding.Param) {
	if len(r.out) >= finding.Limit {
		return
	}
	r.out = append(r.out, finding.Finding{Rule: rule, Place: r.t.Place(n, r.src), Value: value, Params: params})
}

// first tells whether a value is still absent, else makes the finding that
// element n stands twice.
func (r *reader) first(present bool, n xmltree.Node, field string) bool {
	if !present {
		return true
	}
	r.add(RepeatedRule(field), n, "", finding.P("element", r.t.Local(n)))
	return false
}

func (r *reader) coded(dst *Coded, n xmltree.Node, field string) {
	if r.first(dst.Present(), n, field) {
		*dst = ReadCoded(r.t, n)
	}
}

func (r *reader) id(dst *ID, n xmltree.Node, field string) {
	if r.first(dst.Present(), n, field) {
		*dst = ReadID(r.t, n)
	}
}

func (r *reader) time(dst *Timestamp, n xmltree.Node, field string) {
	if r.first(dst.Present(), n, field) {
		*dst = ReadTimestamp(r.t, n)
	}
}

func (r *reader) number(dst *Number, n xmltree.Node, field string) {
	if r.first(dst.Present(), n, field) {
		*dst = ReadNumber(r.t, n)
	}
}

func (r *reader) text(dst *Text, n xmltree.Node, field string) {
	if r.first(dst.Present(), n, field) {
		*dst = ReadText(r.t, n)
	}
}

func (r *reader) name(dst *Name, n xmltree.Node, field string) {
	if r.first(dst.Present(), n, field) {
		*dst = ReadName(r.t, n)
	}
}

// header reads one child of ClinicalDocument in HL7's namespace.
func (r *reader) header(d *Document, n xmltree.Node) {
	m := &d.Metadata
	switch r.t.Local(n) {
	case "realmCode":
		m.RealmCodes = append(m.RealmCodes, ReadCoded(r.t, n))
	case "typeId":
		r.id(&m.TypeID, n, "TYPEID")
	case "templateId":
		m.TemplateIDs = append(m.TemplateIDs, ReadID(r.t, n))
	case "id":
		r.id(&m.ID, n, "ID")
	case "code":
		r.coded(&m.Code, n, "CODE")
	case "title":
		r.text(&m.Title, n, "TITLE")
	case "effectiveTime":
		r.time(&m.EffectiveTime, n, "EFFECTIVETIME")
	case "confidentialityCode":
		r.coded(&m.Confidentiality, n, "CONFIDENTIALITY")
	case "languageCode":
		r.coded(&m.Language, n, "LANGUAGE")
	case "setId":
		r.id(&m.SetID, n, "SETID")
	case "versionNumber":
		r.number(&m.Version, n, "VERSION")
	case "copyTime":
		r.time(&m.CopyTime, n, "COPYTIME")
	default:
		r.participations(d, n)
	}
}

// participations reads the header's acts, participations and the body.
func (r *reader) participations(d *Document, n xmltree.Node) {
	m := &d.Metadata
	switch r.t.Local(n) {
	case "recordTarget":
		m.Clients = append(m.Clients, r.client(n))
	case "author":
		m.Authors = append(m.Authors, r.author(n))
	case "custodian":
		if r.first(m.Custodian.Present(), n, "CUSTODIAN") {
			m.Custodian = r.custodian(n, "representedCustodianOrganization")
		}
	case "relatedDocument":
		m.Related = append(m.Related, r.related(n))
	case "authorization":
		r.consents(m, n)
	case "componentOf":
		e := r.t.Child(n, NamespaceHL7, "encompassingEncounter")
		if e == xmltree.None {
			e = n
		}
		if r.first(m.Encounter.Present(), n, "ENCOUNTER") {
			m.Encounter = r.encounter(e)
		}
	case "component":
		r.body(d, n)
	}
}

// client reads recordTarget/patientRole.
func (r *reader) client(n xmltree.Node) Client {
	c := Client{Node: n}
	role := r.t.Child(n, NamespaceHL7, "patientRole")
	if role == xmltree.None {
		return c
	}
	for x := range r.t.Children(role) {
		if r.t.Space(x) != NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "id":
			c.addID(ReadID(r.t, x))
		case "patient":
			r.person(&c, x)
		}
	}
	return c
}

func (c *Client) addID(id ID) {
	if c.ID.Present() {
		c.MoreIDs = append(c.MoreIDs, id)
		return
	}
	c.ID = id
}

// person reads patient (frame: patientPerson).
func (r *reader) person(c *Client, n xmltree.Node) {
	for x := range r.t.Children(n) {
		if r.t.Space(x) != NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "name":
			r.name(&c.Name, x, "CLIENT-NAME")
		case "administrativeGenderCode":
			r.coded(&c.Gender, x, "GENDER")
		case "birthTime":
			r.time(&c.BirthTime, x, "BIRTHTIME")
		}
	}
}

// author reads author with assignedAuthor.
func (r *reader) author(n xmltree.Node) Author {
	a := Author{Node: n}
	for x := range r.t.Children(n) {
		if r.t.Space(x) != NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "functionCode":
			r.coded(&a.Function, x, "AUTHOR-FUNCTION")
		case "time":
			r.time(&a.Time, x, "AUTHOR-TIME")
		case "assignedAuthor":
			r.assignedAuthor(&a, x)
		}
	}
	return a
}

func (r *reader) assignedAuthor(a *Author, n xmltree.Node) {
	for x := range r.t.Children(n) {
		if r.t.Space(x) != NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "id":
			if id := ReadID(r.t, x); a.ID.Present() {
				a.MoreIDs = append(a.MoreIDs, id)
			} else {
				a.ID = id
			}
		case "assignedPerson":
			if p := r.t.Child(x, NamespaceHL7, "name"); p != xmltree.None {
				r.name(&a.Name, p, "AUTHOR-NAME")
			}
		case "representedOrganization":
			a.Organization = ReadOrganization(r.t, x)
		}
	}
}

// custodian reads custodian/assignedCustodian/<organisation>. A custodian
// without organisation keeps the custodian's node.
func (r *reader) custodian(n xmltree.Node, organization string) Organization {
	if o := r.t.Path(n, NamespaceHL7, "assignedCustodian", organization); o != xmltree.None {
		return ReadOrganization(r.t, o)
	}
	return Organization{Node: n}
}

// related reads relatedDocument with its parentDocument.
func (r *reader) related(n xmltree.Node) RelatedDocument {
	d := RelatedDocument{Node: n, TypeCode: r.t.Attr(n, "typeCode")}
	p := r.t.Child(n, NamespaceHL7, "parentDocument")
	if p == xmltree.None {
		return d
	}
	for x := range r.t.Children(p) {
		if r.t.Space(x) != NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "id":
			r.id(&d.ID, x, "RELATED-ID")
		case "code":
			r.coded(&d.Code, x, "RELATED-CODE")
		case "setId":
			r.id(&d.SetID, x, "RELATED-SETID")
		case "versionNumber":
			r.number(&d.Version, x, "RELATED-VERSION")
		}
	}
	return d
}

// consents reads authorization/consent.
func (r *reader) consents(m *Metadata, n xmltree.Node) {
	for x := range r.t.Children(n) {
		if !r.t.Is(x, NamespaceHL7, "consent") {
			continue
		}
		c := Consent{Node: x}
		for y := range r.t.Children(x) {
			switch {
			case r.t.Is(y, NamespaceHL7, "code"):
				r.coded(&c.Code, y, "CONSENT")
			case r.t.Is(y, NamespaceHL7, "statusCode"):
				r.coded(&c.Status, y, "CONSENT-STATUS")
			}
		}
		m.Consents = append(m.Consents, c)
	}
}

// encounter reads encompassingEncounter, or a frame's encounterEvent.
func (r *reader) encounter(n xmltree.Node) Encounter {
	e := Encounter{Node: n}
	for x := range r.t.Children(n) {
		if r.t.Space(x) != NamespaceHL7 {
			continue
		}
		switch r.t.Local(x) {
		case "id":
			r.id(&e.ID, x, "CASE")
		case "effectiveTime":
			if r.first(e.Time.Present(), x, "CASE-TIME") {
				e.Time = ReadInterval(r.t, x)
			}
		case "responsibleParty":
			if o := r.t.Path(x, NamespaceHL7, "assignedEntity", "representedOrganization"); o != xmltree.None {
				e.Organiser = ReadOrganization(r.t, o)
			}
		case "encounterParticipant", "encounterPerformer":
			e.Units = append(e.Units, r.participant(x))
		case "location":
			e.Location = r.location(x)
		}
	}
	return e
}

func (r *reader) participant(n xmltree.Node) Participant {
	p := Participant{Node: n, TypeCode: r.t.Attr(n, "typeCode")}
	entity := r.t.Child(n, NamespaceHL7, "assignedEntity")
	if entity == xmltree.None {
		entity = r.t.Child(n, NamespaceHL7, "assignedPerson")
	}
	if entity == xmltree.None {
		return p
	}
	if id := r.t.Child(entity, NamespaceHL7, "id"); id != xmltree.None {
		p.ID = ReadID(r.t, id)
	}
	if o := r.t.Child(entity, NamespaceHL7, "representedOrganization"); o != xmltree.None {
		p.Organization = ReadOrganization(r.t, o)
	}
	return p
}

// location reads location/healthCareFacility{id, location/name}.
func (r *reader) location(n xmltree.Node) Organization {
	f := r.t.Child(n, NamespaceHL7, "healthCareFacility")
	if f == xmltree.None {
		return Organization{}
	}
	o := ReadOrganization(r.t, f)
	if name := r.t.Path(f, NamespaceHL7, "location", "name"); name != xmltree.None {
		o.Name = ReadText(r.t, name)
	}
	return o
}
