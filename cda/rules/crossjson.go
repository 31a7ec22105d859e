package rules

import (
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/sosmeta"
	"portti/internal/finding"
	"portti/internal/xmltree"
)

// jsonComparer compares the structured body with the header (kanta-interface
// 6.2, 11). Findings point at the JSON; that one side says nothing is no fault
// here: obligations and structure tell it.
type jsonComparer struct {
	*checker
	r *sosmeta.Report
}

// compareJSON compares the facts of the structured body with the header.
func (c *checker) compareJSON(r *sosmeta.Report) {
	j := &jsonComparer{checker: c, r: r}
	for i := range r.Facts {
		f := &r.Facts[i]
		_, path, _ := strings.Cut(f.Path, "/") // without the document's name
		if compare := jsonFields[path]; compare != nil {
			compare(j, f)
		}
	}
	j.clients()
	if c.group == "relationship" {
		j.units()
	}
}

// jsonFields are the fields of structures that the header repeats, by path below
// the document's name.
var jsonFields = map[string]func(*jsonComparer, *sosmeta.Fact){
	"asiatunnus":                             (*jsonComparer).caseID,
	"asianumero":                             (*jsonComparer).caseID,
	"asian_tiedot/asiatunnus":                (*jsonComparer).caseID,
	"asiakkuuden_yksilointitunnus":           (*jsonComparer).relationship,
	"palvelutehtava":                         (*jsonComparer).serviceTask,
	"asian_tiedot/palvelutehtava":            (*jsonComparer).serviceTask,
	"asiakaskertomusmerkinta/palvelutehtava": (*jsonComparer).serviceTask,
	"palvelunjarjestajan_toimintayksikko":    (*jsonComparer).organiser,
	"paivamaara":                             (*jsonComparer).date,
	"laatimispaivamaara":                     (*jsonComparer).date,
}

// tell makes a finding at a fact.
func (j *jsonComparer) tell(rule string, f *sosmeta.Fact, value string, params ...finding.Param) {
	j.out.Add(finding.Finding{Rule: rule, Place: f.Place(), Value: value, Params: params})
}

func (j *jsonComparer) caseID(f *sosmeta.Fact) {
	if h := j.m.Encounter.ID; h.Root != "" && bareOID(f.Value) != h.Root {
		j.tell(RuleJSONCase, f, f.Value, finding.P("header", h.Root))
	}
}

func (j *jsonComparer) relationship(f *sosmeta.Fact) {
	if h := j.m.Local.ClientRelationship; h.Root != "" && bareOID(f.Value) != h.Root {
		j.tell(RuleJSONRelationship, f, f.Value, finding.P("header", h.Root))
	}
}

// maxFunctions bounds the header's service tasks that are compared; the law speaks
// of several, documents have one.
const maxFunctions = 20

func (j *jsonComparer) serviceTask(f *sosmeta.Fact) {
	var header []string
	if len(j.m.Local.Functions) > maxFunctions {
		return
	}
	for _, h := range j.m.Local.Functions {
		if h.Code == f.Value {
			return
		}
		if h.HasValue() {
			header = append(header, h.Code)
		}
	}
	if len(header) > 0 {
		j.tell(RuleJSONServiceTask, f, f.Value, finding.P("header", strings.Join(header, ", ")))
	}
}

func (j *jsonComparer) organiser(f *sosmeta.Fact) {
	local, encounter := j.m.Local.Organiser.Root, j.m.Encounter.Organiser.ID.Root
	v := bareOID(f.Value)
	if local == "" && encounter == "" || v == local || v == encounter {
		return
	}
	if local == "" {
		local = encounter
	}
	j.tell(RuleJSONOrganiser, f, f.Value, finding.P("header", local))
}

// date compares the document's date with the day of writing, as each is written:
// a day of another time zone is no other day.
func (j *jsonComparer) date(f *sosmeta.Fact) {
	h := j.m.EffectiveTime
	if !h.Valid() || h.Precision < cda.PrecisionDay {
		return
	}
	day := h.Raw[:4] + "-" + h.Raw[4:6] + "-" + h.Raw[6:8]
	if !strings.HasPrefix(day, f.Value) { // f may be a year or month only
		j.tell(RuleJSONDate, f, f.Value, finding.P("header", day))
	}
}

// units looks for the header's service units among those that the relationship
// names.
func (j *jsonComparer) units() {
	named := map[string]bool{}
	for i := range j.r.Facts {
		if f := &j.r.Facts[i]; f.Kind == sosmeta.FactUnit {
			named[bareOID(f.Value)] = true
		}
	}
	for i := range j.m.Encounter.Units {
		u := j.m.Encounter.Units[i].Organization.ID
		if len(named) > 0 && u.Root != "" && !named[u.Root] {
			j.addAttr(RuleJSONUnit, u.Node, "root", u.Root)
		}
	}
}

// jsonClient is one client as the structure tells.
type jsonClient struct {
	at                                    sosmeta.Ref
	hetu, temporary, born, surname, given *sosmeta.Fact
}

// jsonClients gathers the objects asiakas of the structure.
func (j *jsonComparer) jsonClients() []jsonClient {
	var out []jsonClient
	for i := range j.r.Facts {
		f := &j.r.Facts[i]
		_, path, _ := strings.Cut(f.Path, "/")
		key, ok := strings.CutPrefix(path, "asiakas/")
		if !ok || strings.Contains(key, "/") {
			continue
		}
		at := j.r.Instance.Parent(f.Ref)
		if len(out) == 0 || out[len(out)-1].at != at {
			out = append(out, jsonClient{at: at})
		}
		out[len(out)-1].take(f)
	}
	return out
}

func (cl *jsonClient) take(f *sosmeta.Fact) {
	switch f.Kind {
	case sosmeta.FactIdentityCode:
		cl.hetu = f
	case sosmeta.FactTemporaryID:
		cl.temporary = f
	case sosmeta.FactBirthDate:
		cl.born = f
	case sosmeta.FactSurname:
		cl.surname = f
	case sosmeta.FactGivenNames:
		cl.given = f
	}
}

// is tells whether the identifiers name the header's client; told is false where
// one side has none.
func (cl *jsonClient) is(h *cda.Client) (same, told bool) {
	if !h.ID.HasValue() || cl.hetu == nil && cl.temporary == nil {
		return false, false
	}
	if h.ID.Root == cda.RootHetu {
		if _, fault := cda.ParseHetu(h.ID.Extension); fault != cda.HetuOk {
			return false, false // that has been told
		}
		return cl.hetu != nil && strings.EqualFold(cl.hetu.Value, h.ID.Extension), cl.hetu != nil
	}
	if cl.temporary == nil {
		return false, false // the identity code may have become known since
	}
	system := bareOID(cl.temporary.System)
	return strings.EqualFold(cl.temporary.Value, h.ID.Extension) && (system == "" || system == h.ID.Root), true
}

// clients compares the clients of the structure with those of the header: each
// must stand there (kanta-interface 11.2), with the same names and date of birth.
func (j *jsonComparer) clients() {
	found := j.jsonClients()
	if len(found) == 0 || len(j.m.Clients) == 0 || len(j.m.Clients) > maxClients {
		return
	}
	seen, strangers := make([]bool, len(j.m.Clients)), 0
	for i := range found[:min(len(found), maxClients)] {
		cl := &found[i]
		h, foreign := j.match(cl, len(found))
		if foreign != nil {
			j.tell(RuleJSONClientID, foreign, foreign.Value)
			strangers++
		}
		if h < 0 {
			continue
		}
		seen[h] = true
		j.client(cl, &j.m.Clients[h])
	}
	if strangers == 0 {
		j.unnamed(found, seen)
	}
}

// match finds the header's client. foreign is the identifier that no client of
// the header has; the client is then -1.
func (j *jsonComparer) match(cl *jsonClient, clients int) (header int, foreign *sosmeta.Fact) {
	told := true
	for i := range j.m.Clients {
		same, t := cl.is(&j.m.Clients[i])
		if same {
			return i, nil
		}
		told = told && t
	}
	switch {
	case told && cl.hetu != nil:
		return -1, cl.hetu
	case told:
		return -1, cl.temporary
	case clients == 1 && len(j.m.Clients) == 1:
		return 0, nil
	}
	return slices.IndexFunc(j.m.Clients, func(h cda.Client) bool { return cl.named(&h) }), nil
}

// named tells whether the names are those of the header's client.
func (cl *jsonClient) named(h *cda.Client) bool {
	return cl.surname != nil && cl.given != nil && sameName(cl.surname.Value, h.Name.Family) && sameGiven(cl.given.Value, &h.Name)
}

// client compares names and date of birth of one client.
func (j *jsonComparer) client(cl *jsonClient, h *cda.Client) {
	if len(h.Name.Family) > 0 && cl.surname != nil && !sameName(cl.surname.Value, h.Name.Family) {
		j.tell(RuleJSONSurname, cl.surname, cl.surname.Value)
	}
	if len(h.Name.Given) > 0 && cl.given != nil && !sameGiven(cl.given.Value, &h.Name) {
		j.tell(RuleJSONGiven, cl.given, cl.given.Value)
	}
	if b := h.BirthTime; b.Valid() && b.Precision >= cda.PrecisionDay && cl.born != nil {
		if day := b.Time.Format("2006-01-02"); !strings.HasPrefix(day, cl.born.Value) {
			j.tell(RuleJSONBirth, cl.born, cl.born.Value)
		}
	}
}

// unnamed tells of clients of the header that the structure does not name though
// it could.
func (j *jsonComparer) unnamed(found []jsonClient, seen []bool) {
	if len(found) < len(seen) && !j.repeats(found[0].at) || len(found) > maxClients {
		return
	}
	for i, ok := range seen {
		cl := &j.m.Clients[i]
		again := slices.ContainsFunc(j.m.Clients[:i], func(o cda.Client) bool { return o.ID.Same(cl.ID) })
		if !ok && !again && len(seen) > 1 {
			j.add(RuleJSONClientAbsent, near(cl.ID.Node, cl.Node), "")
		}
	}
}

// repeats tells whether the object's field may stand several times.
func (j *jsonComparer) repeats(r sosmeta.Ref) bool {
	f := j.r.Instance.Field(r)
	return f != nil && f.Repeats
}

// sameName compares a name with the parts of the header's, whatever case and
// spaces.
func sameName(name string, parts []string) bool {
	return strings.EqualFold(strings.Join(strings.Fields(name), " "), strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
}

// sameGiven also takes the name in use for all given names: a structure's field
// may hold either.
func sameGiven(name string, n *cda.Name) bool {
	return sameName(name, n.Given) || n.CallName != "" && sameName(name, []string{n.CallName})
}

// displayHetu looks for identity codes that stand in the display form unmasked: it
// shows the birth part only (kanta-interface 6.1). Real persons are told by
// PERSON-REAL-XHTML.
func (c *checker) displayHetu(t *xmltree.Tree) {
	for n := t.Root(); n < t.End(t.Root()); n++ {
		if k := t.Kind(n); k != xmltree.Text && k != xmltree.CData {
			continue
		}
		unmasked := false
		cda.FindHetus(t.Value(n), func(_ int, h cda.Hetu) bool {
			unmasked = h.Test || c.World != Test
			return !unmasked
		})
		if unmasked {
			c.out.Add(finding.Finding{Rule: RuleXHTMLHetu, Place: t.Place(n, finding.SourceXHTML)})
			return
		}
	}
}
