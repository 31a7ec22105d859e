package migrate

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"portti/cda"
)

// Code systems of what is written here (kanta-interface 13.1).
var (
	systemType            = codeSystem{"1.2.246.537.6.1506.201701", "Sosiaalihuolto - Asiakasasiakirjatyyppi"}
	systemConfidentiality = codeSystem{"1.2.246.777.5.99902.2006", "KanTa-palvelut - Asiakirjan luottamuksellisuus"}
	systemGender          = codeSystem{"1.2.246.537.5.1.1997", "AR/YDIN - Sukupuoli"}
	systemGroup           = codeSystem{"1.2.246.537.6.1505.201601", "Sosiaalihuolto - Asiakirjaryhmä"}
	systemFormat          = codeSystem{"1.2.246.537.6.1502.201601", "Sosiaalihuolto - Asiakirjan näyttömuodon formaatti"}
	systemStructured      = codeSystem{"1.2.246.537.5.40179.2008", "eArkisto - Asiakirjan tiedostomuoto"}
	systemTask            = codeSystem{"1.2.246.537.6.1221.201601", "Sosiaalihuolto - Palvelutehtävä"}
	systemStatus          = codeSystem{"1.2.246.537.5.40154.2008", "eArkisto - Asiakirjan valmistumisen tila"}
	systemRegister        = codeSystem{"1.2.246.537.6.1264.201701", "Sosiaalihuolto - Asiakirjan rekisteritunnus"}
	systemRetention       = codeSystem{"1.2.246.537.6.1258.201601", "Sosiaalihuolto - asiakirjan kokonaissäilytysaika"}
	systemYesNo           = codeSystem{"1.2.246.537.6.112.2007", "AR/YDIN - Kyllä/EI/Ei tietoa"}
	systemOrganisation    = codeSystem{"1.2.246.537.6.202.2008", "THL - SOTE-organisaatiorekisteri"}
	systemCaseName        = codeSystem{"1.2.246.537.6.1265.201601", "Sosiaalihuollon asia"}
	systemCaseState       = codeSystem{"1.2.246.537.6.1501.201601", "Sosiaalihuolto - Asian tila"}
)

// The structures of the documents that are made around the old ones (kanta-interface 11).
const (
	structureRelation = "1.2.246.537.6.1505.1.2023.6.1"
	structureCase     = "1.2.246.537.6.1505.2.2022.6.28"
)

// class is the order in which documents are sent: what others belong to comes first.
type class int

const (
	classRelation class = 1
	classCase     class = 2
	classDocument class = 3
)

// groupOf gives each class's document group; "3" for old documents is a local
// assumption of the archive's table.
var groupOf = map[class]Coded{
	classRelation: {"1", "Asiakkuusasiakirja"}, classCase: {"2", "Asia-asiakirja"}, classDocument: {"3", "Vanha asiakasasiakirja"},
}

// paper is a document before it is signed.
type paper struct {
	class      class
	oid        string
	kind       Coded // general type; zero where there is none
	title      string
	written    time.Time
	created    time.Time
	language   string
	client     *person
	controller Organisation
	unit       Organisation
	task       Coded // zero where there is none
	caseOID    string
	relation   string
	structure  string
	json       any
	content    *content
}

var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\r", "&#13;")

// escape escapes text and attribute values.
func escape(s string) string { return escaper.Replace(s) }

// xw writes XML.
type xw struct{ strings.Builder }

// open writes a start tag; attributes are name, value pairs.
func (x *xw) open(name string, attrs ...string)  { x.tag(name, attrs, ">") }
func (x *xw) empty(name string, attrs ...string) { x.tag(name, attrs, "/>") }
func (x *xw) close(names ...string) {
	for _, n := range names {
		x.WriteString("</" + n + ">")
	}
}

func (x *xw) tag(name string, attrs []string, end string) {
	x.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		x.WriteString(" " + attrs[i] + `="` + escape(attrs[i+1]) + `"`)
	}
	x.WriteString(end)
}

func (x *xw) text(name, text string) {
	x.WriteString("<" + name + ">" + escape(text) + "</" + name + ">")
}

func (x *xw) code(name string, s codeSystem, c Coded) {
	x.empty(name, "code", c.Code, "codeSystem", s.oid, "codeSystemName", s.name, "displayName", c.Display)
}

func (x *xw) organisation(name string, o Organisation) {
	x.open(name)
	x.empty("id", "root", o.OID)
	x.text("name", o.Name)
	x.close(name)
}

// write makes the document without its signature, in the order of kanta-interface
// 5.1 to 5.3.
func (p *paper) write(m *Mapping) []byte {
	x := &xw{}
	x.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	x.open("ClinicalDocument", "xmlns", cda.NamespaceHL7, "xmlns:f", cda.NamespaceFinland)
	x.empty("realmCode", "code", "FI")
	x.empty("typeId", "root", cda.RootTypeID, "extension", "POCD_HD000040")
	x.empty("id", "root", p.oid)
	if p.kind.Code == "" {
		x.empty("code", "nullFlavor", "NA")
	} else {
		x.code("code", systemType, p.kind)
	}
	x.empty("effectiveTime", "value", cda.FormatTS(p.written.In(cda.Helsinki())))
	x.code("confidentialityCode", systemConfidentiality, Coded{"6", "Sosiaalihuollon salassapidettävä"})
	x.empty("languageCode", "code", p.language)
	x.empty("setId", "root", p.oid)
	x.empty("versionNumber", "value", "1")
	p.parties(x)
	p.encounter(x)
	p.local(x, m)
	p.body(x)
	x.close("ClinicalDocument")
	return []byte(x.String())
}

func (p *paper) parties(x *xw) {
	c := p.client
	x.open("recordTarget")
	x.open("patientRole")
	x.empty("id", "root", c.root, "extension", c.id)
	x.open("patient")
	x.open("name")
	for _, g := range strings.Fields(c.given) {
		x.text("given", g)
	}
	x.WriteString(`<given qualifier="CL">` + escape(c.call) + `</given>`)
	x.text("family", c.family)
	x.close("name")
	if c.gender != "" {
		x.code("administrativeGenderCode", systemGender, Coded{c.gender, map[string]string{"1": "Mies", "2": "Nainen"}[c.gender]})
	}
	if c.born != "" {
		x.empty("birthTime", "value", c.born)
	}
	x.close("patient", "patientRole", "recordTarget")
	x.open("author")
	x.empty("time", "nullFlavor", "NA")
	x.open("assignedAuthor")
	x.empty("id", "nullFlavor", "NA")
	x.close("assignedAuthor", "author")
	x.open("custodian")
	x.open("assignedCustodian")
	x.organisation("representedCustodianOrganization", p.controller)
	x.close("assignedCustodian", "custodian")
}

func (p *paper) encounter(x *xw) {
	x.open("componentOf")
	x.open("encompassingEncounter")
	if p.caseOID != "" {
		x.empty("id", "root", p.caseOID)
	} else {
		x.empty("id", "nullFlavor", "NA")
	}
	x.empty("effectiveTime", "nullFlavor", "NA")
	entity := func(o Organisation) {
		x.open("assignedEntity")
		x.empty("id", "nullFlavor", "NA")
		x.organisation("representedOrganization", o)
		x.close("assignedEntity")
	}
	if p.class != classRelation {
		x.open("responsibleParty")
		entity(p.controller)
		x.close("responsibleParty")
	}
	x.open("encounterParticipant", "typeCode", "ADM")
	entity(p.unit)
	x.close("encounterParticipant", "encompassingEncounter", "componentOf")
}

func (p *paper) local(x *xw, m *Mapping) {
	x.open("f:localSocialHeader")
	x.empty("f:creationTime", "value", cda.FormatTS(p.created.In(cda.Helsinki())))
	x.code("f:documentGroup", systemGroup, groupOf[p.class])
	format := Coded{"2", "XHTML_1.1"}
	if p.content.pdf != nil {
		format = Coded{"1", "PDF/A"} // assumption: value 2 is XHTML 1.1
	}
	x.code("f:fileFormat", systemFormat, format)
	if p.json != nil {
		x.code("f:structuredFileFormat", systemStructured, Coded{"5", "JSON"})
	}
	x.empty("f:softwareSupport", "moderator", m.System.Vendor, "product", m.System.Product, "version", m.System.Version)
	if p.task.Code != "" {
		x.code("f:functionCode", systemTask, p.task)
	}
	x.code("f:recordStatus", systemStatus, Coded{"3", "Arkistointivalmis"})
	x.code("f:registryType", systemRegister, Coded{"1", "Sosiaalihuollon asiakasrekisteri"})
	x.empty("f:outsourcingServiceCustomer", "root", p.controller.OID)
	x.text("f:outsourcingServiceCustomerName", p.controller.Name)
	x.code("f:totalRetentionPeriodClass", systemRetention, Coded{"1", "Säilytetään pysyvästi"})
	x.code("f:specialContent", systemYesNo, Coded{"E", "Ei"})
	if p.structure != "" {
		x.text("f:contentSpecificationId", p.structure)
	}
	if p.relation != "" {
		x.empty("f:encompassingClientRelationship", "root", p.relation)
	}
	x.close("f:localSocialHeader")
}

func (p *paper) body(x *xw) {
	mediaType, shown := "application/pdf", p.content.pdf
	if shown == nil {
		mediaType, shown = "application/xhtml+xml", []byte(p.display())
	}
	x.open("component")
	x.open("nonXMLBody", "ID", "OID"+p.oid)
	x.open("text", "mediaType", mediaType, "representation", "B64")
	x.base64(shown)
	x.close("text")
	if p.json != nil {
		x.open("f:json")
		b, err := json.Marshal(p.json)
		if err != nil {
			panic(err) // strings, booleans, maps and lists always encode
		}
		x.base64(b)
		x.close("f:json")
	}
	x.close("nonXMLBody", "component")
}

// base64 writes in pieces, so that no second copy of the whole comes about.
func (x *xw) base64(b []byte) {
	x.Grow(base64.StdEncoding.EncodedLen(len(b)))
	var piece [4096]byte
	for len(b) > 0 {
		n := min(3072, len(b))
		base64.StdEncoding.Encode(piece[:], b[:n])
		x.Write(piece[:base64.StdEncoding.EncodedLen(n)])
		b = b[n:]
	}
}

// display is the display form with the classes of kanta-interface 6.1.
func (p *paper) display() string {
	c := p.client
	return `<div class="soc-document" id="OID` + p.oid + `" xmlns="http://www.w3.org/1999/xhtml">` +
		`<div class="soc-header"><div class="soc-hdr1">` + escape(p.controller.Name) + `</div><div class="soc-hdr2">` + escape(p.kind.Display) +
		`</div><div class="soc-hdr3">` + p.written.In(cda.Helsinki()).Format("2.1.2006") + `</div></div>` + "\n" +
		`<div class="soc-main-wrapper"><h1 class="soc-fulltitle">` + escape(p.title) + `</h1>` +
		section("Asiakas", "<p>"+escape(c.family)+", "+escape(c.given)+"<br/>"+escape(c.masked())+"</p>") +
		p.content.xhtml + `</div><div class="soc-footer"><div class="soc-ftr1">` + escape(p.unit.Name) + `</div></div></div>`
}

// object is a JSON object.
type object map[string]any

func (s codeSystem) coded(c Coded) object {
	return object{"system": "urn:oid:" + s.oid, "code": c.Code, "display": c.Display}
}

func (o Organisation) coded() object { return systemOrganisation.coded(Coded{o.OID, o.Name}) }

func identifier(system, value string) object { return object{"system": system, "value": value} }

// named is a person's names and identifier, as structures begin.
func (p *person) named() object {
	o := object{"sukunimi": p.family, "etunimet": p.given}
	if p.root == cda.RootHetu {
		o["henkilotunnus"] = identifier("urn:oid:"+cda.RootHetu, p.id)
	} else {
		o["tilapainen_yksilointitunnus"] = identifier(p.root, p.id)
	}
	if len(p.born) == 8 {
		o["syntymaaika"] = p.born[:4] + "-" + p.born[4:6] + "-" + p.born[6:]
	}
	return o
}

func isoDate(t time.Time) string { return t.In(cda.Helsinki()).Format("2006-01-02") }

// relation is a client relationship (asiakkuus) that documents belong to.
type relation struct {
	oid            string
	client         person
	controller     Organisation
	unit           Organisation
	task           Coded
	started, ended time.Time
}

// paper makes the asiakkuusasiakirja (kanta-interface 11.1). Only a client with an
// identity code can have an old relationship (vanha asiakkuus).
func (r *relation) paper(oid string, created time.Time) *paper {
	client := r.client.named()
	client["turvakielto"] = r.client.protected
	if r.client.gender != "" {
		client["sukupuoli"] = systemGender.coded(Coded{r.client.gender, map[string]string{"1": "Mies", "2": "Nainen"}[r.client.gender]})
	}
	state := object{"asiakkuuden_alkamispvm": isoDate(r.started)}
	if r.client.root == cda.RootHetu {
		state["vanha_asiakkuus"] = true
	}
	lines := "<p>" + escape(r.controller.Name) + "<br/>" + escape(r.unit.Name) + "<br/>" + escape(r.task.Display) + "<br/>Asiakkuus alkoi " + r.started.Format("2.1.2006")
	if !r.ended.IsZero() {
		state["asiakkuuden_paattymispvm"] = isoDate(r.ended)
		lines += "<br/>Asiakkuus päättyi " + r.ended.Format("2.1.2006")
	}
	unit := object{"palveluyksikon_nimi": r.unit.coded(), "asiakkuuden_alkamispvm": isoDate(r.started)}
	body := object{"asiakkuusasiakirja": object{
		"asiakkuuden_yksilointitunnus": identifier("urn:oid:1.2.246.1", r.oid), "asiakas": client, "sosiaalihuollon_asiakkuus": state,
		"palvelunjarjestajan_toimintayksikko": r.controller.coded(),
		"sosiaalihuollon_palvelutehtava":      []any{object{"palvelutehtava": systemTask.coded(r.task), "palvelunjarjestajan_palveluyksikko": []any{unit}}},
	}}
	written := r.started
	if !r.ended.IsZero() {
		written = r.ended
	}
	return &paper{class: classRelation, oid: oid, title: "Asiakkuusasiakirja", written: written, created: created, language: "fi", client: &r.client,
		controller: r.controller, unit: r.unit, relation: r.oid, structure: structureRelation, json: body,
		content: &content{xhtml: section("Asiakkuus", lines+"</p>")}}
}

// oldCase is a case (asia) that documents belong to.
type oldCase struct {
	oid            string
	title          string
	client         person
	controller     Organisation
	unit           Organisation
	task           Coded
	relation       string
	opened, closed time.Time
}

// paper makes the asia-asiakirja (kanta-interface 11.2).
func (c *oldCase) paper(oid string, created time.Time) *paper {
	title := c.title
	if title == "" {
		title = c.task.Display
	}
	state := Coded{"1", "Avoin"}
	facts := object{"asiatunnus": identifier("urn:oid:1.2.246.1", c.oid), "nimi": systemCaseName.coded(Coded{"99", "Muu"}),
		"lisatieto_luokkaan_muu": title, "avauspaiva": isoDate(c.opened), "palvelutehtava": systemTask.coded(c.task)}
	written := c.opened
	if !c.closed.IsZero() {
		state, written = Coded{"2", "Suljettu"}, c.closed
		facts["paattymispaiva"] = isoDate(c.closed)
	}
	facts["tila"] = systemCaseState.coded(state)
	body := object{"asia_asiakirja": object{"palvelunjarjestajan_toimintayksikko": c.controller.coded(), "asiakas": []any{c.client.named()}, "asian_tiedot": facts}}
	return &paper{class: classCase, oid: oid, title: title, written: written, created: created, language: "fi", client: &c.client,
		controller: c.controller, unit: c.unit, task: c.task, caseOID: c.oid, relation: c.relation, structure: structureCase, json: body,
		content: &content{xhtml: section("Asian tiedot", "<p>"+escape(title)+"<br/>Avattu "+c.opened.Format("2.1.2006")+"<br/>"+escape(state.Display)+"</p>")}}
}
