package rules

import (
	"portti/cda"
	"portti/internal/xmltree"
)

// value is one occurrence of a field, or its absence.
type value struct {
	// node is the element, 0 where absent; parent is where it belongs.
	node, parent xmltree.Node
	// filled tells that it has a value; null is its nullFlavor.
	filled bool
	null   string

	coded  *cda.Coded
	id     *cda.ID
	time   *cda.Timestamp
	number *cda.Number
	// client and signature are the indexes of the client or signature block that a
	// field of theirs belongs to.
	client, signature int
}

// visitor gets each occurrence of a field; a field whose parent repeats occurs
// once for each parent, be it absent there.
type visitor func(v value)

// reach gives the occurrences of each field of data/fields.yaml that is judged.
// A test holds the table and the data together.
var reach = map[string]func(d *cda.Document, visit visitor){
	"REALM": func(d *cda.Document, visit visitor) {
		if len(d.RealmCodes) == 0 {
			visit(value{parent: d.Root})
		}
		for i := range d.RealmCodes {
			visit(ofCoded(&d.RealmCodes[i], d.Root))
		}
	},
	"TYPEID":          func(d *cda.Document, visit visitor) { visit(ofID(&d.TypeID, d.Root)) },
	"ID":              func(d *cda.Document, visit visitor) { visit(ofID(&d.ID, d.Root)) },
	"CODE":            func(d *cda.Document, visit visitor) { visit(ofCoded(&d.Code, d.Root)) },
	"EFFECTIVETIME":   func(d *cda.Document, visit visitor) { visit(ofTime(&d.EffectiveTime, d.Root)) },
	"CONFIDENTIALITY": func(d *cda.Document, visit visitor) { visit(ofCoded(&d.Confidentiality, d.Root)) },
	"LANGUAGE":        func(d *cda.Document, visit visitor) { visit(ofCoded(&d.Language, d.Root)) },
	"SETID":           func(d *cda.Document, visit visitor) { visit(ofID(&d.SetID, d.Root)) },
	"VERSION": func(d *cda.Document, visit visitor) {
		visit(value{node: d.Version.Node, parent: d.Root, filled: d.Version.HasValue(), null: d.Version.NullFlavor, number: &d.Version})
	},
	"CLIENT": func(d *cda.Document, visit visitor) {
		if len(d.Clients) == 0 {
			visit(value{parent: d.Root})
		}
	},
	"CLIENT-ID": func(d *cda.Document, visit visitor) {
		clients(d, visit, func(c *cda.Client) value { return ofID(&c.ID, c.Node) })
	},
	"CLIENT-NAME": func(d *cda.Document, visit visitor) {
		clients(d, visit, func(c *cda.Client) value { return ofName(&c.Name, c.Node) })
	},
	"GENDER": func(d *cda.Document, visit visitor) {
		clients(d, visit, func(c *cda.Client) value { return ofCoded(&c.Gender, c.Node) })
	},
	"BIRTHTIME": func(d *cda.Document, visit visitor) {
		clients(d, visit, func(c *cda.Client) value { return ofTime(&c.BirthTime, c.Node) })
	},
	"AUTHOR": func(d *cda.Document, visit visitor) {
		if len(d.Authors) == 0 {
			visit(value{parent: d.Root})
		}
	},
	"AUTHOR-ID": func(d *cda.Document, visit visitor) {
		for i := range d.Authors {
			visit(ofID(&d.Authors[i].ID, d.Authors[i].Node))
		}
	},
	"AUTHOR-NAME": func(d *cda.Document, visit visitor) {
		for i := range d.Authors {
			visit(ofName(&d.Authors[i].Name, d.Authors[i].Node))
		}
	},
	"AUTHOR-TIME": func(d *cda.Document, visit visitor) {
		for i := range d.Authors {
			visit(ofTime(&d.Authors[i].Time, d.Authors[i].Node))
		}
	},
	"CUSTODIAN":      func(d *cda.Document, visit visitor) { visit(ofID(&d.Custodian.ID, near(d.Custodian.Node, d.Root))) },
	"CUSTODIAN-NAME": func(d *cda.Document, visit visitor) { visit(ofText(&d.Custodian.Name, near(d.Custodian.Node, d.Root))) },
	"RELATED-ID": func(d *cda.Document, visit visitor) {
		related(d, visit, func(r *cda.RelatedDocument) value { return ofID(&r.ID, r.Node) })
	},
	"RELATED-SETID": func(d *cda.Document, visit visitor) {
		related(d, visit, func(r *cda.RelatedDocument) value { return ofID(&r.SetID, r.Node) })
	},
	"RELATED-VERSION": func(d *cda.Document, visit visitor) {
		related(d, visit, func(r *cda.RelatedDocument) value {
			return value{node: r.Version.Node, parent: r.Node, filled: r.Version.HasValue(), null: r.Version.NullFlavor, number: &r.Version}
		})
	},
	"CONSENT": func(d *cda.Document, visit visitor) {
		for i := range d.Consents {
			visit(ofCoded(&d.Consents[i].Code, d.Consents[i].Node))
		}
	},
	"CONSENT-STATUS": func(d *cda.Document, visit visitor) {
		for i := range d.Consents {
			visit(ofCoded(&d.Consents[i].Status, d.Consents[i].Node))
		}
	},
	"ENCOUNTER": func(d *cda.Document, visit visitor) { visit(ofGroup(d.Encounter.Node, d.Root)) },
	"CASE":      func(d *cda.Document, visit visitor) { visit(ofID(&d.Encounter.ID, near(d.Encounter.Node, d.Root))) },
	"RESPONSIBLE": func(d *cda.Document, visit visitor) {
		visit(ofID(&d.Encounter.Organiser.ID, near(d.Encounter.Organiser.Node, d.Encounter.Node, d.Root)))
	},
	"UNIT": func(d *cda.Document, visit visitor) {
		units(d, visit, func(o *cda.Organization, parent xmltree.Node) value { return ofID(&o.ID, parent) })
	},
	"UNIT-NAME": func(d *cda.Document, visit visitor) {
		units(d, visit, func(o *cda.Organization, parent xmltree.Node) value { return ofText(&o.Name, parent) })
	},
	"LOCALHEADER":          func(d *cda.Document, visit visitor) { visit(ofGroup(d.Local.Node, d.Root)) },
	"SPECIFICTYPE":         local(func(l *cda.LocalHeader) value { return ofCoded(&l.SpecificType, l.Node) }),
	"CREATIONTIME":         local(func(l *cda.LocalHeader) value { return ofTime(&l.CreationTime, l.Node) }),
	"DOCUMENTGROUP":        local(func(l *cda.LocalHeader) value { return ofCoded(&l.DocumentGroup, l.Node) }),
	"FILEFORMAT":           local(func(l *cda.LocalHeader) value { return ofCoded(&l.FileFormat, l.Node) }),
	"STRUCTUREDFILEFORMAT": local(func(l *cda.LocalHeader) value { return ofCoded(&l.StructuredFileFormat, l.Node) }),
	"SOFTWARE": local(func(l *cda.LocalHeader) value {
		return value{node: l.Software.Node, parent: l.Node, filled: l.Software.Product != "" || l.Software.Text != ""}
	}),
	"FUNCTION": func(d *cda.Document, visit visitor) {
		if d.Local.Kind == cda.NoLocalHeader {
			return
		}
		if len(d.Local.Functions) == 0 {
			visit(value{parent: d.Local.Node})
		}
		for i := range d.Local.Functions {
			visit(ofCoded(&d.Local.Functions[i], d.Local.Node))
		}
	},
	"RECORDSTATUS":         local(func(l *cda.LocalHeader) value { return ofCoded(&l.RecordStatus, l.Node) }),
	"REGISTRYTYPE":         local(func(l *cda.LocalHeader) value { return ofCoded(&l.RegistryType, l.Node) }),
	"ORGANISER":            local(func(l *cda.LocalHeader) value { return ofID(&l.Organiser, l.Node) }),
	"ORGANISER-NAME":       local(func(l *cda.LocalHeader) value { return ofText(&l.OrganiserName, l.Node) }),
	"RETENTIONCLASS":       local(func(l *cda.LocalHeader) value { return ofCoded(&l.RetentionClass, l.Node) }),
	"SPECIALCONTENT":       local(func(l *cda.LocalHeader) value { return ofCoded(&l.SpecialContent, l.Node) }),
	"CONTENTSPECIFICATION": local(func(l *cda.LocalHeader) value { return ofText(&l.ContentSpecification, l.Node) }),
	"CLIENTRELATIONSHIP":   local(func(l *cda.LocalHeader) value { return ofID(&l.ClientRelationship, l.Node) }),
	"SERVICEPROCESS":       local(func(l *cda.LocalHeader) value { return ofGroup(l.ServiceProcess.Node, l.Node) }),
	"SERVICEPROCESS-TYPE":  process(func(p *cda.ServiceProcess) value { return ofText(&p.Type, p.Node) }),
	"SERVICEPROCESS-CODE":  process(func(p *cda.ServiceProcess) value { return ofCoded(&p.Code, p.Node) }),
	"RESTRICTIONARGUMENT":  local(func(l *cda.LocalHeader) value { return ofText(&l.RestrictionArgument, l.Node) }),
	"INACCESSIBLEARGUMENT": local(func(l *cda.LocalHeader) value { return ofCoded(&l.InaccessibleArgument, l.Node) }),
	"REASONOFCORRECTION":   local(func(l *cda.LocalHeader) value { return ofCoded(&l.ReasonOfCorrection, l.Node) }),
	"SIGNATUREINFO": func(d *cda.Document, visit visitor) {
		if d.Local.Kind != cda.NoLocalHeader && len(d.Local.Signatures) == 0 {
			visit(value{parent: d.Local.Node})
		}
	},
	"SIGNER": func(d *cda.Document, visit visitor) {
		signatures(d, visit, func(s *cda.SignatureInfo) value { return ofText(&s.Signer, s.Node) })
	},
	"SIGNER-NAME": func(d *cda.Document, visit visitor) {
		signatures(d, visit, func(s *cda.SignatureInfo) value { return ofName(&s.Name, s.Node) })
	},
	"SIGNER-METHOD": func(d *cda.Document, visit visitor) {
		signatures(d, visit, func(s *cda.SignatureInfo) value { return ofCoded(&s.Method, s.Node) })
	},
	"SIGNER-TIME": func(d *cda.Document, visit visitor) {
		signatures(d, visit, func(s *cda.SignatureInfo) value { return ofTime(&s.Time, s.Node) })
	},
}

// near gives the first node that is there.
func near(nodes ...xmltree.Node) xmltree.Node {
	for _, n := range nodes {
		if n > 0 {
			return n
		}
	}
	return 0
}

func ofCoded(c *cda.Coded, parent xmltree.Node) value {
	return value{node: c.Node, parent: parent, filled: c.HasValue(), null: c.NullFlavor, coded: c}
}

func ofID(id *cda.ID, parent xmltree.Node) value {
	return value{node: id.Node, parent: parent, filled: id.HasValue(), null: id.NullFlavor, id: id}
}

func ofTime(t *cda.Timestamp, parent xmltree.Node) value {
	return value{node: t.Node, parent: parent, filled: t.HasValue(), null: t.NullFlavor, time: t}
}

func ofText(t *cda.Text, parent xmltree.Node) value {
	return value{node: t.Node, parent: parent, filled: t.HasValue(), null: t.NullFlavor}
}

func ofName(n *cda.Name, parent xmltree.Node) value {
	return value{node: n.Node, parent: parent, filled: n.HasValue(), null: n.NullFlavor}
}

// ofGroup is an element that only holds others: there or not.
func ofGroup(n, parent xmltree.Node) value {
	return value{node: n, parent: parent, filled: n > 0}
}

// local reaches a field of the local header, where there is one.
func local(get func(l *cda.LocalHeader) value) func(*cda.Document, visitor) {
	return func(d *cda.Document, visit visitor) {
		if d.Local.Kind != cda.NoLocalHeader {
			visit(get(&d.Local))
		}
	}
}

// process reaches a field of the service process, where there is one.
func process(get func(p *cda.ServiceProcess) value) func(*cda.Document, visitor) {
	return func(d *cda.Document, visit visitor) {
		if d.Local.ServiceProcess.Node > 0 {
			visit(get(&d.Local.ServiceProcess))
		}
	}
}

func clients(d *cda.Document, visit visitor, get func(*cda.Client) value) {
	for i := range d.Clients {
		v := get(&d.Clients[i])
		v.client = i
		visit(v)
	}
}

func signatures(d *cda.Document, visit visitor, get func(*cda.SignatureInfo) value) {
	for i := range d.Local.Signatures {
		v := get(&d.Local.Signatures[i])
		v.signature = i
		visit(v)
	}
}

// related reaches a field of each parent document.
func related(d *cda.Document, visit visitor, get func(*cda.RelatedDocument) value) {
	for i := range d.Related {
		visit(get(&d.Related[i]))
	}
}

func units(d *cda.Document, visit visitor, get func(*cda.Organization, xmltree.Node) value) {
	if len(d.Encounter.Units) == 0 {
		visit(get(&cda.Organization{}, near(d.Encounter.Node, d.Root)))
	}
	for i := range d.Encounter.Units {
		u := &d.Encounter.Units[i]
		visit(get(&u.Organization, near(u.Organization.Node, u.Node)))
	}
}
