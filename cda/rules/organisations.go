package rules

import (
	"slices"
	"strings"
	"sync"
	"time"

	"portti/cda"
	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/cda/sosmeta"
	"portti/internal/finding"
)

// Kinds of faults of one party; with the party's id they make a rule id.
const (
	kindEnded  = "ENDED"
	kindNotYet = "NOTYET"
	kindLapsed = "LAPSED"
	kindKind   = "KIND"
	kindName   = "NAME"
	kindAlien  = "FOREIGN"
)

// Rules of relations between parties; texts stand in the catalogue's organisations.yaml.
const (
	RuleControllerOrganiser = "ORG-CONTROLLER-ORGANISER"
	RuleRegisterUnknown     = "ORG-REGISTER-UNKNOWN"
)

// party is one organisation that documents name (data/organisations.yaml).
type party struct {
	ID      string              `yaml:"id"`
	Letters string              `yaml:"letters"`
	Kinds   []string            `yaml:"kinds"`
	KindsOf map[string][]string `yaml:"kinds_of"`
	Belongs bool                `yaml:"belongs"`
	Name    bool                `yaml:"name"`
	Source  string              `yaml:"source"`
}

// partyTable is data/organisations.yaml.
type partyTable struct {
	Groups        []string `yaml:"groups"`
	Parties       []party  `yaml:"parties"`
	Organised     []string `yaml:"organised"`
	Nullification []string `yaml:"nullification"`
}

// parties gives the embedded table; a test loads it.
var parties = sync.OnceValue(func() *partyTable {
	var t partyTable
	if err := decode("data/organisations.yaml", &t); err != nil {
		panic(err)
	}
	return &t
})

// letter gives what a group demands of a party; an unknown group what the last does.
func (p *party) letter(group string) byte {
	at := slices.Index(parties().Groups, group)
	if at < 0 {
		at = len(parties().Groups) - 1
	}
	return strings.Fields(p.Letters)[at][0]
}

func (p *party) rule(kind string) string { return "ORG-" + p.ID + "-" + kind }

// rules are the rules that the party can break.
func (p *party) rules() []string {
	out := []string{p.rule(kindUnlisted)}
	if strings.Contains(p.Letters, "D") {
		out = append(out, p.rule(kindUnknown), p.rule(kindEnded), p.rule(kindNotYet))
	}
	if strings.Contains(p.Letters, "R") {
		out = append(out, p.rule(kindLapsed))
	}
	if len(p.Kinds) > 0 {
		out = append(out, p.rule(kindKind))
	}
	if p.Belongs {
		out = append(out, p.rule(kindAlien))
	}
	if p.Name {
		out = append(out, p.rule(kindName))
	}
	return out
}

// organisationRules lists the rules of this file.
func organisationRules() []string {
	ids := []string{RuleControllerOrganiser, RuleRegisterUnknown}
	for i := range parties().Parties {
		ids = append(ids, parties().Parties[i].rules()...)
	}
	return ids
}

// organisations holds those whom document and frame name against the directory
// (REK-7): known, valid at the document's time, of the right kind, belonging
// together. Rights are not judged here.
func (c *checker) organisations() {
	if c.Directory == nil || c.isHealth() {
		return
	}
	visit := map[string]func(*party){
		"CONTROLLER": func(p *party) { c.organisation(p, &c.m.Custodian) },
		"ORGANISER":  func(p *party) { o := c.organiserOf(); c.organisation(p, &o) },
		"UNIT": func(p *party) {
			for i := range c.m.Encounter.Units {
				c.organisation(p, &c.m.Encounter.Units[i].Organization)
			}
		},
		"PROVIDER": func(p *party) {
			c.organisation(p, &cda.Organization{ID: c.m.Local.ServiceProvider, Name: c.m.Local.ServiceProviderName})
		},
		"AUTHOR": func(p *party) {
			for i := range c.m.Authors {
				c.organisation(p, &c.m.Authors[i].Organization)
			}
		},
		"USER": c.userOrganisation,
		"BODY": func(*party) {}, // bodyOrganisations, where the body is read
	}
	for i := range parties().Parties {
		p := &parties().Parties[i]
		visit[p.ID](p)
	}
	c.controllerOfOrganiser()
	c.registerOfController()
}

// organiserOf gives the organiser: the local header's, else the encounter's.
func (c *checker) organiserOf() cda.Organization {
	if l := &c.m.Local; l.Organiser.HasValue() {
		return cda.Organization{ID: l.Organiser, Name: l.OrganiserName}
	}
	return c.m.Encounter.Organiser
}

// organisation judges one organisation of the document.
func (c *checker) organisation(p *party, o *cda.Organization) {
	if o.ID.Root == "" || o.ID.Extension != "" {
		return // that it is missing or no OID is told of the field
	}
	add := func(kind string, params ...finding.Param) {
		c.addAttr(p.rule(kind), o.ID.Node, "root", o.ID.Root, params...)
	}
	entry, ok := c.party(p, o.ID.Root, add)
	if !ok {
		return
	}
	if p.Name && o.Name.HasValue() && !hasName(entry, o.Name.Value) && c.asked(kindName) {
		c.add(p.rule(kindName), o.Name.Node, o.Name.Value, finding.P("name", entry.Name))
	}
	if organiser := c.organiserOf().ID.Root; p.Belongs && Organised(c.group) && c.asked(kindAlien) &&
		c.Directory.Belongs(o.ID.Root, c.responsible(organiser), c.judgedAt()) == organisations.Foreign {
		add(kindAlien, finding.P("organiser", organiser))
	}
}

// responsible is in whose name a document's parties act: the organiser, or the
// controller where none is named.
func (c *checker) responsible(organiser string) string {
	if organiser == "" {
		return c.m.Custodian.ID.Root
	}
	return organiser
}

// party looks an organisation up and tells by add what is wrong; ok where its entry
// is there and nothing was.
func (c *checker) party(p *party, oid string, add func(kind string, params ...finding.Param)) (entry *organisations.Organisation, ok bool) {
	letter := p.letter(c.group)
	if letter == '-' || p.ID == "CONTROLLER" && c.Directory.Controls(oid) && c.Directory.Register.Lookup(oid) == nil {
		return nil, false
	}
	at := c.judgedAt()
	state, entry := c.Directory.Find(oid, at)
	kind, bound := "", time.Time{}
	switch state {
	case organisations.Unchecked:
		return nil, false
	case organisations.Unlisted:
		kind = kindUnlisted
	case organisations.Unknown:
		if kind = kindUnknown; letter == 'R' {
			kind = kindUnlisted
		}
	case organisations.Ended:
		kind, bound = kindEnded, entry.To
	case organisations.NotYet:
		kind, bound = kindNotYet, entry.From
	}
	if (kind == kindEnded || kind == kindNotYet) && letter == 'R' {
		kind = kindLapsed
	}
	if kind == "" && !c.rightKind(p, entry) {
		kind = kindKind
	}
	if kind == "" {
		return entry, true
	}
	if c.asked(kind) {
		var params []finding.Param
		switch kind {
		case kindEnded, kindNotYet, kindLapsed:
			params = append(params, finding.P("bound", dayText(bound)), finding.P("at", dayText(at)))
		case kindKind:
			params = append(params, finding.P("kinds", kindText(entry)))
		}
		add(kind, params...)
	}
	return entry, false
}

// rightKind tells whether an entry is what its party must be. A register that tells
// no kinds, and a group that only remarks, asks for none.
func (c *checker) rightKind(p *party, o *organisations.Organisation) bool {
	kinds := p.Kinds
	if k, ok := p.KindsOf[c.group]; ok {
		kinds = k
	}
	if len(kinds) == 0 || p.letter(c.group) != 'D' || !c.Directory.Register.TellsKinds() {
		return true
	}
	is := strings.Fields(o.Kinds.String())
	return slices.ContainsFunc(kinds, func(k string) bool { return k == "top" && o.Parent == "" || slices.Contains(is, k) })
}

// asked tells whether the operation asks for a kind of fault.
func (c *checker) asked(kind string) bool {
	return c.operation != interactions.Nullify || slices.Contains(parties().Nullification, kind)
}

// judgedAt is the time that organisations are judged at: when the document was
// drawn up, which for an old one may be long before it was put into this form, else
// when it was made, else now.
func (c *checker) judgedAt() time.Time {
	for _, t := range []cda.Timestamp{c.m.EffectiveTime, c.m.Local.CreationTime} {
		if t.Valid() {
			return t.Time
		}
	}
	return c.Now
}

// userOrganisation judges the organisation that the frame's user acts for, at the
// time of sending.
func (c *checker) userOrganisation(p *party) {
	f := c.Frame
	if f == nil || f.Interaction == nil {
		return
	}
	id := f.User.Organization.ID
	if id.Root == "" || id.Extension != "" {
		return
	}
	c.party(p, id.Root, func(kind string, params ...finding.Param) {
		c.addFrame(p.rule(kind), f, id.Node, "root", id.Root, params...)
	})
}

// bodyOrganisations judges the organisations in a structured body.
func (c *checker) bodyOrganisations(facts []sosmeta.Fact) {
	if c.Directory == nil {
		return
	}
	p := &parties().Parties[slices.IndexFunc(parties().Parties, func(p party) bool { return p.ID == "BODY" })]
	for i := range facts {
		f := &facts[i]
		oid := strings.TrimPrefix(f.Value, "urn:oid:")
		if f.Kind != sosmeta.FactUnit || !cda.ValidOID(oid) {
			continue
		}
		c.party(p, oid, func(kind string, params ...finding.Param) {
			c.out.Add(finding.Finding{Rule: p.rule(kind), Place: f.Place(), Value: oid, Params: params})
		})
	}
}

// controllerOfOrganiser demands that the controller is the organiser, also where a
// private provider produces the service (REK-3), save for the register of a ceased
// organiser that the controller has taken over (REK-4).
func (c *checker) controllerOfOrganiser() {
	controller, organiser := c.m.Custodian.ID, c.organiserOf().ID
	r := c.Directory.Register
	a, b := r.Top(controller.Root), r.Top(organiser.Root)
	if !Organised(c.group) || a == "" || b == "" || a == b || !c.asked(kindAlien) || c.Directory.TookOver(controller.Root, organiser.Root) || c.Directory.TookOver(controller.Root, b) {
		return
	}
	c.addAttr(RuleControllerOrganiser, controller.Node, "root", controller.Root, finding.P("organiser", organiser.Root))
}

// registerOfController demands a register that the controller has (REK-1).
func (c *checker) registerOfController() {
	r := c.m.Local.RegistryType
	if r.Code == "" || c.Directory.HasRegister(c.m.Custodian.ID.Root, r.Code, c.judgedAt()) {
		return
	}
	c.addAttr(RuleRegisterUnknown, r.Node, "code", r.Code, finding.P("controller", c.m.Custodian.ID.Root))
}

// hasName tells whether a name is the entry's, whatever its case and spaces.
func hasName(o *organisations.Organisation, name string) bool {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	return o.Name == "" || fold(name) == fold(o.Name) || o.NameSV != "" && fold(name) == fold(o.NameSV)
}

func dayText(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(time.DateOnly)
}

// kindText gives what an entry is, for a text.
func kindText(o *organisations.Organisation) string {
	if s := o.Kinds.String(); s != "" {
		return s
	}
	return "–"
}

// Organised tells whether the parties of documents of a group (its key) must belong
// together: the controller and the organiser, the unit and the organiser (REK-3).
func Organised(group string) bool { return slices.Contains(parties().Organised, group) }
