package fhir

import (
	"slices"
	"strings"
	"time"

	"portti/cda"
	"portti/internal/finding"
)

// notice is one disclosure notice of a bundle, as far as it could be read.
type notice struct {
	event, provenance *element
	id                string
	at                time.Time
	controller        *element // contained Organization, nil where missing
	discloser         *agent
	recipients        []*agent
	items             []*element // entities that tell what was disclosed
}

// agent is a party with what its reference leads to.
type agent struct {
	element *element
	// person and organisation are Practitioner or Patient or RelatedPerson, and
	// Organization; either may be nil.
	person, organisation *element
}

// bundle is what a message says.
type bundle struct {
	root    *element
	notices []*notice
	client  string
}

// checker gathers what is wrong with a bundle.
type checker struct {
	p    *profile
	test bool // the test world: persons of the 900 series only
	now  time.Time
	list finding.List
	b    *bundle
}

func (c *checker) add(rule string, at *element, params ...string) {
	f := finding.Finding{Rule: rule, Place: at.place()}
	for i := 0; i+1 < len(params); i += 2 {
		f.Params = append(f.Params, finding.P(params[i], params[i+1]))
	}
	c.list.Add(f)
}

// check reads a bundle and tells every fault.
func (c *checker) check(root *element) {
	c.b = &bundle{root: root}
	if root.kind != "Bundle" || root.text("type") != "transaction" {
		c.add(RuleBundle, root)
		return
	}
	c.p.check(root, c.add)
	c.entries(root.all("entry"))
	for _, n := range c.b.notices {
		c.notice(n)
	}
	c.persons()
	if root.first("signature") == nil {
		c.add(RuleSignature, root)
	} else {
		c.add(RuleUnverified, root.first("signature"))
	}
}

// entries pairs each AuditEvent with the Provenance that is about it.
func (c *checker) entries(entries []*element) {
	seen := make(map[string]bool)
	var provenances []*element
	for _, e := range entries {
		res := e.first("resource")
		if res == nil || res.kind != "AuditEvent" && res.kind != "Provenance" {
			c.add(RuleResource, e)
			continue
		}
		c.p.check(res, c.add)
		if e.text("request", "method") != "POST" || e.text("request", "url") != res.kind {
			c.add(RuleCreate, e, "resource", res.kind)
		}
		full := strings.TrimPrefix(e.text("fullUrl"), oidURI)
		if res.kind == "AuditEvent" && full != res.text("id") {
			c.add(RuleFullURL, e)
		}
		if seen[full] {
			c.add(RuleRepeatedID, e)
		}
		seen[full] = true
		if res.kind == "Provenance" {
			provenances = append(provenances, res)
			continue
		}
		c.b.notices = append(c.b.notices, &notice{event: res, id: res.text("id")})
	}
	c.pair(provenances)
}

func (c *checker) pair(provenances []*element) {
	for _, p := range provenances {
		target := p.text("target", "reference")
		id := strings.TrimPrefix(strings.TrimPrefix(target, oidURI), "AuditEvent/")
		i := slices.IndexFunc(c.b.notices, func(n *notice) bool { return n.id == id && n.provenance == nil })
		if i < 0 {
			c.add(RulePair, p)
			continue
		}
		c.b.notices[i].provenance = p
	}
	for _, n := range c.b.notices {
		if n.provenance == nil {
			c.add(RulePair, n.event)
		}
	}
}

// notice reads one notice.
func (c *checker) notice(n *notice) {
	c.references(n.event)
	if n.provenance != nil {
		c.references(n.provenance)
	}
	if at, err := parseDateTime(n.event.text("period", "start")); err == nil {
		n.at = at
		if at.After(c.now.Add(5 * time.Minute)) {
			c.add(RuleFuture, n.event.first("period", "start"))
		}
	}
	c.agents(n)
	for _, e := range n.event.all("entity") {
		if who := c.patient(n.event, e); who != nil {
			continue
		}
		n.items = append(n.items, e)
		c.item(e)
	}
	if len(n.items) == 0 {
		c.add(RuleItem, n.event)
	}
}

// references wants every reference to a contained resource to lead to one.
func (c *checker) references(res *element) {
	ids := make(map[string]bool)
	for _, x := range res.all("contained") {
		ids[x.text("id")] = true
	}
	var walk func(e *element)
	walk = func(e *element) {
		if id, ok := strings.CutPrefix(e.value, "#"); ok && e.name == "reference" && !ids[id] {
			c.add(RuleReference, e)
		}
		for _, k := range e.kids {
			walk(k)
		}
	}
	walk(res)
}

// contained follows a reference within a resource.
func contained(res *element, ref string) *element {
	id, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	for _, x := range res.all("contained") {
		if x.text("id") == id {
			return x
		}
	}
	return nil
}

// party follows an agent's reference, through a PractitionerRole to person and
// organisation.
func party(res, e *element) *agent {
	a := &agent{element: e}
	switch x := contained(res, e.text("who", "reference")); {
	case x == nil:
	case x.kind == "Organization":
		a.organisation = x
	case x.kind == "PractitionerRole":
		a.person = contained(res, x.text("practitioner", "reference"))
		a.organisation = contained(res, x.text("organization", "reference"))
	default:
		a.person = x
	}
	return a
}

// agents tells controller, discloser and recipients apart.
func (c *checker) agents(n *notice) {
	for _, e := range n.event.all("agent") {
		a := party(n.event, e)
		switch o := a.organisation; {
		case o != nil && a.person == nil && len(o.extension(c.p.Extensions.Register)) > 0:
			n.controller = o
		case e.text("requestor") == "true":
			n.discloser = a
		default:
			n.recipients = append(n.recipients, a)
		}
	}
	switch {
	case n.controller == nil:
		c.add(RuleController, n.event)
	case !cda.ValidOID(oidOf(n.controller)):
		c.add(RuleForm, n.controller, "form", "oid-uri")
	}
	if len(n.recipients) == 0 {
		c.add(RuleRecipient, n.event)
	}
}

// oidOf gives the first identifier that is an OID, without its prefix.
func oidOf(res *element) string {
	for _, id := range res.all("identifier") {
		if oid, ok := strings.CutPrefix(id.text("value"), oidURI); ok {
			return oid
		}
	}
	return ""
}

// item wants an item to say what it is and of which service task.
func (c *checker) item(e *element) {
	described := e.text("description") != "" || e.text("name") != "" || e.text("type", "code") != "" || e.extensionValue(c.p.Extensions.Data) != ""
	for _, d := range e.all("detail") {
		described = described || d.text("valueString") != ""
	}
	if !described {
		c.add(RuleItem, e)
	}
	if len(e.extension(c.p.Extensions.Function)) == 0 {
		c.add(RuleTask, e)
	}
}

// patient gives the identifier of the person that an entity names, nil where it
// names none.
func (c *checker) patient(res, e *element) *element {
	ids := e.all("what", "identifier")
	if x := contained(res, e.text("what", "reference")); x != nil && x.kind == "Patient" {
		ids = x.all("identifier")
		if len(ids) == 0 {
			return x
		}
	}
	for _, id := range ids {
		sys := id.text("system")
		if slices.Contains(c.p.Person.Systems, sys) || strings.HasPrefix(sys, c.p.Person.Temporary) && cda.IsTemporaryClientRoot(strings.TrimPrefix(sys, oidURI)) {
			return id
		}
	}
	return nil
}

// persons wants all notices to be about one person, who can be told.
func (c *checker) persons() {
	for _, n := range c.b.notices {
		var named *element
		for _, e := range n.event.all("entity") {
			if id := c.patient(n.event, e); id != nil {
				named = id
				c.person(id)
			}
		}
		if named == nil {
			c.add(RulePerson, n.event)
		}
	}
}

func (c *checker) person(id *element) {
	value := id.text("value")
	key := cda.ID{Root: strings.TrimPrefix(id.text("system"), oidURI), Extension: value}.PersonKey()
	if value == "" {
		key = ""
	}
	if c.b.client != "" && key != c.b.client {
		c.add(RulePersons, id)
		return
	}
	first := c.b.client == ""
	c.b.client = key
	if !slices.Contains(c.p.Person.Systems, id.text("system")) {
		if value == "" {
			c.add(RuleIdentity, id)
		}
		return
	}
	switch h, fault := cda.ParseHetu(value); {
	case fault != cda.HetuOk:
		c.add(RuleIdentity, id)
	case first && c.test && !h.Test:
		c.add(RuleTestPerson, id)
	}
}
