package access

import (
	"strings"

	"portti/cda"
	"portti/cda/sosmeta"
	"portti/store"
)

// StateOf reads from a structured body what the document says of a client
// relationship, a case or the client's will (kanta-interface 11.1, 11.2, 12.2,
// 12.3). The body must be one that the document's signatures cover. It gives nil
// where the body is of another structure or no JSON.
func StateOf(body []byte) *store.State {
	report := sosmeta.Decode(body, sosmeta.Options{})
	if report.Broken() || report.Instance.Len() == 0 {
		return nil
	}
	root := content{report.Instance, report.Instance.Root()}
	for key, read := range map[string]func(content) store.State{
		"asiakkuusasiakirja": readRelationship, "asia_asiakirja": readCase,
		"luovutuslupa_asiakirja": readPermission, "kieltoasiakirja": readProhibition,
	} {
		if c := root.get(key); c.there() {
			s := read(c)
			return &s
		}
	}
	return nil
}

// content is one value of a body.
type content struct {
	in  *sosmeta.Instance
	ref sosmeta.Ref
}

func (c content) there() bool { return c.ref != sosmeta.None }

func (c content) get(keys ...string) content {
	for _, k := range keys {
		if !c.there() || c.in.Type(c.ref) != sosmeta.TypeObject {
			return content{c.in, sosmeta.None}
		}
		c.ref = c.in.Get(c.ref, k)
	}
	return c
}

// each gives the items of a list, or the value alone where it is none.
func (c content) each(keys ...string) []content {
	v := c.get(keys...)
	if !v.there() {
		return nil
	}
	if v.in.Type(v.ref) != sosmeta.TypeArray {
		return []content{v}
	}
	var out []content
	for r := range v.in.Children(v.ref) {
		out = append(out, content{v.in, r})
	}
	return out
}

// text gives a text, number or boolean as written.
func (c content) text(keys ...string) string {
	v := c.get(keys...)
	if !v.there() {
		return ""
	}
	switch v.in.Type(v.ref) {
	case sosmeta.TypeString:
		return strings.TrimSpace(v.in.Text(v.ref))
	case sosmeta.TypeTrue, sosmeta.TypeFalse, sosmeta.TypeNumber:
		return string(v.in.Raw(v.ref))
	}
	return ""
}

func (c content) truth(keys ...string) bool { return c.text(keys...) == "true" }

// code gives the code of a coded value, id the value of an identifier; an OID
// comes without its URN prefix.
func (c content) code(keys ...string) string { return plainOID(c.get(keys...).text("code")) }
func (c content) id(keys ...string) string   { return plainOID(c.get(keys...).text("value")) }

func plainOID(s string) string { return strings.TrimPrefix(s, "urn:oid:") }

// person gives the ids by which a structure names its client.
func (c content) person() store.Person {
	var p store.Person
	for _, key := range []string{"henkilotunnus", "tilapainen_yksilointitunnus"} {
		id := cda.ID{Root: plainOID(c.get(key).text("system")), Extension: c.id(key)}
		if id.Extension != "" {
			p.IDs = append(p.IDs, id.PersonKey())
		}
	}
	return p
}

func readRelationship(c content) store.State {
	client, lasts := c.get("asiakas"), c.get("sosiaalihuollon_asiakkuus")
	r := &store.Relationship{
		ID: c.id("asiakkuuden_yksilointitunnus"), Client: client.person(), Organiser: c.code("palvelunjarjestajan_toimintayksikko"),
		Begin: lasts.text("asiakkuuden_alkamispvm"), End: lasts.text("asiakkuuden_paattymispvm"),
		Old: lasts.truth("vanha_asiakkuus"), Protected: client.truth("turvakielto"), Birth: client.text("syntymaaika"),
	}
	for _, u := range c.each("palvelunjarjestajan_palveluyksikko") {
		r.Units = append(r.Units, u.unit("", false))
	}
	for _, t := range c.each("sosiaalihuollon_palvelutehtava") {
		task := t.code("palvelutehtava")
		for _, u := range t.each("palvelunjarjestajan_palveluyksikko") {
			r.Units = append(r.Units, u.unit(task, false))
		}
		for _, u := range t.each("palveluntuottaja") {
			r.Units = append(r.Units, u.unit(task, true))
			for _, w := range u.each("palveluntoteuttaja") {
				r.Units = append(r.Units, w.implementer(u, task))
			}
		}
	}
	return store.State{Relationship: r}
}

func (c content) unit(task string, provider bool) store.RelationshipUnit {
	u := store.RelationshipUnit{Unit: c.code("palveluyksikon_nimi"), Task: task, Provider: provider,
		Begin: c.text("asiakkuuden_alkamispvm"), End: c.text("asiakkuuden_paattymispvm")}
	for _, s := range c.each("sosiaalipalvelu") {
		u.Services = append(u.Services, s.code())
	}
	return u
}

// implementer is the unit that carries the service out for a provider; where it
// tells no times of its own the provider's hold.
func (c content) implementer(provider content, task string) store.RelationshipUnit {
	u, p := c.unit(task, true), provider.unit(task, true)
	if u.Begin == "" {
		u.Begin = p.Begin
	}
	if u.End == "" {
		u.End = p.End
	}
	if len(u.Services) == 0 {
		u.Services = p.Services
	}
	return u
}

func readCase(c content) store.State {
	facts := c.get("asian_tiedot")
	k := &store.Case{
		ID: facts.id("asiatunnus"), Organiser: c.code("palvelunjarjestajan_toimintayksikko"), Task: facts.code("palvelutehtava"),
		Status: facts.code("tila"), Opened: facts.text("avauspaiva"), Closed: facts.text("paattymispaiva"), Shared: facts.truth("yhteinen_asia"),
	}
	for _, p := range c.each("asiakas") {
		k.Clients = append(k.Clients, store.CaseClient{Person: p.person(),
			Joined: p.text("asiaan_liittymishetki"), Left: p.text("asiasta_poistumishetki")})
	}
	return store.State{Case: k}
}

func readPermission(c content) store.State {
	v := c.get("voimassa_oleva_luovutuslupa")
	return store.State{Permission: &store.Permission{Client: c.get("asiakas").person(), Positive: v.truth("luovutuslupa"),
		Given: v.text("luovutusluvan_antamisen_ajankohta")}}
}

// prohibitionLists are the three lists of a prohibition document.
var prohibitionLists = []struct {
	level        Level
	outer, inner string
	what         string
	target       func(content) string
}{
	{ByController, "rekisterinpitajaa_koskevat_luovutuskiellot", "rekisterinpitajaa_koskeva_luovutuskielto",
		"rekisterinpitaja_jonka_tietojen_luovutus_kielletaan", func(c content) string { return c.code() }},
	{ByTask, "palvelutehtavaa_koskevat_luovutuskiellot", "palvelutehtavaa_koskeva_luovutuskielto",
		"palvelutehtava_jonka_tietojen_luovutus_kielletaan", func(c content) string { return c.code() }},
	{ByDocument, "asiakirjoja_koskevat_luovutuskiellot", "asiakirjaa_koskeva_luovutuskielto",
		"asiakirja_jonka_luovutus_kielletaan", func(c content) string { return c.id("oid_tunnus") }},
}

func readProhibition(c content) store.State {
	p := &store.Prohibition{Client: c.get("asiakas").person()}
	for _, list := range prohibitionLists {
		for _, one := range c.each(list.outer, list.inner) {
			for _, what := range one.each(list.what) {
				if target := list.target(what); target != "" {
					p.Items = append(p.Items, store.Prohibited{Level: string(list.level), Target: target})
				}
			}
		}
	}
	return store.State{Prohibition: p}
}
