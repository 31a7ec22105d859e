package fhir

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"portti/store"
)

// detail is what a notice says beside the columns of the disclosure log.
type detail struct {
	Notice     string   `json:"notice"`
	Recorded   string   `json:"recorded,omitempty"`
	Type       string   `json:"typeOfDisclosure,omitempty"`
	Tasks      []string `json:"tasks,omitempty"`
	Types      []string `json:"types,omitempty"`
	Title      string   `json:"title,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
	Language   string   `json:"language,omitempty"`
	// PurposeText is the purpose in words, which may be personal.
	PurposeText string `json:"purposeText,omitempty"`
}

// filed turns a bundle that was found good into what the archive keeps: for each
// item of each notice a row of the controller's disclosure log.
func (b *bundle) filed(p *profile) []store.FiledNotice {
	out := make([]store.FiledNotice, len(b.notices))
	for i, n := range b.notices {
		pair := &element{name: "notice", kids: []*element{n.event, n.provenance}}
		controller := oidOf(n.controller)
		out[i] = store.FiledNotice{ID: n.id, Sum: pair.sum(), Controller: controller, Event: n.at}
		for _, item := range n.items {
			out[i].Disclosures = append(out[i].Disclosures, n.row(p, item, controller, b.client))
		}
	}
	return out
}

// row is the disclosure-log row of an item (LOG-2; law 703/2023 section 10).
func (n *notice) row(p *profile, item *element, controller, client string) store.Disclosure {
	to := n.recipients[0]
	d := store.Disclosure{
		At: n.at, DataController: controller, LogController: controller, Client: client,
		Discloser: n.discloser.name(), User: to.id(), UserName: to.name(), Recipient: to.where(),
		DocumentID: documentOf(item), Description: describe(p, item), Purpose: n.purpose(), Ground: n.ground(p),
	}
	x := detail{Notice: n.id, Recorded: n.event.text("recorded"), Type: n.event.extensionValue(p.Extensions.Disclosure),
		Title: n.discloser.title(), Language: n.provenance.text("language"), PurposeText: n.event.text("purposeOfEvent", "text")}
	for _, f := range item.extension(p.Extensions.Function) {
		one := &element{kids: []*element{f}}
		x.Tasks = append(x.Tasks, one.extensionValue(p.Extensions.Function))
	}
	for _, t := range item.all("detail") {
		x.Types = append(x.Types, t.text("type")+": "+t.text("valueString"))
	}
	for _, a := range n.recipients {
		x.Recipients = append(x.Recipients, strings.TrimSpace(a.where()+" "+a.name()))
	}
	d.Detail, _ = json.Marshal(x) // strings only
	return d
}

// describe tells what an item is.
func describe(p *profile, item *element) string {
	var out []string
	for _, s := range []string{item.text("name"), item.text("description"), item.extensionValue(p.Extensions.Data),
		cmp.Or(item.text("type", "display"), item.text("type", "code"))} {
		if s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	for _, d := range item.all("detail") {
		if v := d.text("valueString"); v != "" {
			out = append(out, v)
		}
	}
	return strings.Join(out, "; ")
}

// documentOf gives the OID of the document that an item is, if it names one.
func documentOf(item *element) string {
	for _, ref := range []string{item.text("what", "identifier", "value"), item.text("what", "reference")} {
		if oid, ok := strings.CutPrefix(ref, oidURI); ok {
			return oid
		}
	}
	return ""
}

// purpose is the code of the purpose of disclosure, or its text.
func (n *notice) purpose() string {
	e := n.event
	return cmp.Or(e.text("purposeOfEvent", "coding", "code"), e.text("agent", "purposeOfUse", "coding", "code"))
}

// ground is the provision in law, or the permission or consent that is referred to.
func (n *notice) ground(p *profile) string {
	for _, x := range p.Extensions.Consent {
		if v := n.event.extensionValue(x); v != "" {
			return v
		}
	}
	return cmp.Or(n.event.text("agent", "policy"), n.provenance.text("policy"), n.provenance.text("reason", "coding", "code"))
}

// name is the person's name, "" for none.
func (a *agent) name() string {
	if a == nil {
		return ""
	}
	if a.person != nil {
		if s := a.person.text("name", "text"); s != "" {
			return s
		}
		var parts []string
		for _, g := range a.person.all("name", "given") {
			parts = append(parts, g.value)
		}
		return strings.TrimSpace(strings.Join(append(parts, a.person.text("name", "family")), " "))
	}
	return a.element.text("name")
}

// id is the person's identifier.
func (a *agent) id() string {
	if a == nil || a.person == nil {
		return ""
	}
	return strings.TrimPrefix(a.person.text("identifier", "value"), oidURI)
}

// title is the person's title in the organisation.
func (a *agent) title() string {
	if a == nil || a.person == nil {
		return ""
	}
	return a.person.extensionValue("PractitionerTitle")
}

// Where a recipient is no organisation: the log's column is not sealed, so the name
// of a private person stands in the payload alone.
const privatePerson = "private person"

// where is the recipient's organisation: its OID, else its name.
func (a *agent) where() string {
	if a.organisation == nil {
		return privatePerson
	}
	return cmp.Or(oidOf(a.organisation), a.organisation.text("name"), privatePerson)
}
