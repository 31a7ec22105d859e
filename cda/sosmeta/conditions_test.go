package sosmeta

import (
	"slices"
	"strings"
	"testing"

	"portti/internal/finding"
)

// relation is a client relationship document without findings.
const relation = `{"asiakkuusasiakirja": {
"asiakkuuden_yksilointitunnus": {"value": "1.2.246.10.99999901.95777.2026.1"},
"asiakas": {"sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": {"value": "010181-900C"}, "turvakielto": false, "yhteystiedot": {"puhelinnumero": "000"}},
"asiakkaaseen_liittyvat_henkilot": [{"sukunimi": "Esimerkki", "etunimet": "Koe", "turvakielto": false, "rooli": [{"system": "urn:oid:1.2.246.537.6.1284", "code": "99", "display": "Muu henkilö"}]}],
"sosiaalihuollon_asiakkuus": {"asiakkuuden_alkamispvm": "2025-01-01"},
"palvelunjarjestajan_toimintayksikko": {"system": "urn:oid:1.2.246.537.6.202.2008", "code": "1.2.246.10.99999901.10.0", "display": "Testialue"},
"sosiaalihuollon_palvelutehtava": [{"palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "24", "display": "Lapsiperheiden palvelut"},
"palvelunjarjestajan_palveluyksikko": [{"palveluyksikon_nimi": {"system": "urn:oid:1.2.246.537.6.202.2008", "code": "1.2.246.10.99999901.10.1", "display": "Testiyksikkö"}, "asiakkuuden_alkamispvm": "2025-01-01"}]}],
"lastensuojelun_asiakkuus": {"lastensuojelun_asiakkuuden_alkamispvm": "2025-01-01"}
}}`

const permission = `{"luovutuslupa_asiakirja": {
"asiakas": {"sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": {"value": "010181-900C"}},
"infoteksti": "x",
"luovutusluvan_antaja_on_laillinen_edustaja": true,
"luovutusluvan_antaja": [{"sukunimi": "Esimerkki", "etunimet": "Koe", "henkilotunnus": {"value": "010181-901D"}, "rooli": {"system": "urn:oid:1.2.246.537.6.1284", "code": "31", "display": "Huoltaja"}}],
"voimassa_oleva_luovutuslupa": {"luovutuslupa": true, "luovutusluvan_antamisen_ajankohta": "2025-01-01"},
"ammattihenkilon_laatima_asiakirja": {"laatija": {"sukunimi": "Testaaja", "etunimet": "Toinen"}}
}}`

const prohibition = `{"kieltoasiakirja": {
"asiakas": {"sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": {"value": "010181-900C"}},
"infoteksti": "x",
"palvelutehtavaa_koskevat_luovutuskiellot": {"palvelutehtavaa_koskeva_luovutuskielto": [{
"palvelutehtava_jonka_tietojen_luovutus_kielletaan": [{"system": "urn:oid:1.2.246.537.6.1221", "code": "10", "display": "Lastensuojelu"}],
"kiellon_asettamisen_ajankohta": "2025-01-01", "kieltaja_on_laillinen_edustaja": true,
"henkilo_joka_kieltaa_asiakastietojen_luovuttamisen": [{"sukunimi": "Esimerkki", "etunimet": "Koe", "edunvalvojan_tunniste": "1", "rooli": {"system": "urn:oid:1.2.246.537.6.1284", "code": "32", "display": "Edunvalvoja"}}]}]}
}}`

// restriction is the beginning of a note on a restrictive measure.
const restriction = `{"merkinta_rajoitustoimenpiteesta": {
"asiakas": {"sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": {"value": "010181-900C"}},
"palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221", "code": "10", "display": "x"},
"sosiaalipalvelu": {"system": "urn:oid:1.2.246.537.6.1222", "code": "24", "display": "x"},
"yksikko": {"system": "urn:oid:1.2.246.537.6.202", "code": "1.2.246.10.99999901.10.1", "display": "x"},
"rajoitustoimenpide": {"rajoitustoimenpide": [{"ajanjakso": {"alkamishetki": "2025-01-01T10:00:00Z", "paattymishetki": "2025-01-01T12:00:00+01:00"}}]},
"laatija": [{"sukunimi": "Testaaja", "etunimet": "Toinen"}]
}}`

const requested = `{"merkinta_asiakasta_koskevien_tietojen_pyytamisesta_tai_saamisesta": {
"asiakas": [{"sukunimi": "Testaaja", "etunimet": "Testi", "henkilotunnus": {"value": "010181-900C"}}],
"pyydetyt_tiedot": "tiedot", "saadut_tiedot": "tiedot", "tietojen_saamisen_paivamaara": "2025-01-01", "paivamaara": "2025-01-01",
"palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221", "code": "10", "display": "x"},
"laatija": {"sukunimi": "Testaaja", "etunimet": "Toinen"}
}}`

const old = `"vanha_asiakkuus": true, `

func TestDOC5_ConditionalObligations(t *testing.T) {
	for _, c := range []struct{ base, oid, old, new, want string }{
		{relation, "1505.1.2023.6.1", "", "", ""},
		{permission, "1505.8.2023.6.1", "", "", ""},
		{prohibition, "1505.9.2023.6.5", "", "", ""},
		{restriction, "1506.19008.2024.12.19", "", "", ""},
		{requested, "1506.19009.2023.11.30", "", "", ""},

		{relation, "1505.1.2023.6.1", `"henkilotunnus": {"value": "010181-900C"}, `, ``, "SOS-COND-PERSON-ID-MISSING /asiakkuusasiakirja/asiakas"},
		{relation, "1505.1.2023.6.1", `"henkilotunnus": {"value": "010181-900C"}, `, `"tilapainen_yksilointitunnus": {"value": "1"}, `, ""},
		{relation, "1505.1.2023.6.1", `"turvakielto": false, "yhteys`, `"turvakielto": false, "tilapainen_yksilointitunnus": {"value": "1"}, "yhteys`,
			"SOS-COND-PERSON-ID-BOTH /asiakkuusasiakirja/asiakas/tilapainen_yksilointitunnus"},
		{relation, "1505.1.2023.6.1", `"asiakkuuden_yksilointitunnus": {"value": "1.2.246.10.99999901.95777.2026.1"},`, ``, "SOS-COND-RELATION-ID-MISSING /asiakkuusasiakirja"},
		{relation, "1505.1.2023.6.1", `"palvelunjarjestajan_toimintayksikko": {"system": "urn:oid:1.2.246.537.6.202.2008", "code": "1.2.246.10.99999901.10.0", "display": "Testialue"},`, ``,
			"SOS-COND-ORGANISER-UNIT-MISSING /asiakkuusasiakirja"},
		{relation, "1505.1.2023.6.1", `"sosiaalihuollon_asiakkuus": {`, `"sosiaalihuollon_asiakkuus": {` + old,
			"SOS-COND-OLD-BIRTH-DATE-MISSING /asiakkuusasiakirja/asiakas"},
		{strings.Replace(relation, `"sosiaalihuollon_asiakkuus": {`, `"sosiaalihuollon_asiakkuus": {`+old, 1), "1505.1.2023.6.1",
			`"henkilotunnus": {"value": "010181-900C"}, `, `"syntymaaika": "1981-01-01", "tilapainen_yksilointitunnus": {"value": "1"}, `,
			"SOS-COND-OLD-IDENTITY-CODE-MISSING /asiakkuusasiakirja/asiakas"},
		{relation, "1505.1.2023.6.1", `"palvelunjarjestajan_palveluyksikko"`, `"palveluntuottaja"`, "SOS-COND-SERVICE-UNIT-MISSING /asiakkuusasiakirja"},
		{relation, "1505.1.2023.6.1", `"rooli": [{"system": "urn:oid:1.2.246.537.6.1284", "code": "99"`, `"rooli": [{"system": "urn:oid:1.2.246.537.6.1284", "code": "33"`,
			"SOS-COND-AUTHORITY-MISSING /asiakkuusasiakirja/asiakkaaseen_liittyvat_henkilot/0"},
		{relation, "1505.1.2023.6.1", `"rooli": [`, `"edunvalvonta": {}, "rooli": [`, "SOS-COND-GUARDIANSHIP-ROLE /asiakkuusasiakirja/asiakkaaseen_liittyvat_henkilot/0/edunvalvonta"},
		{relation, "1505.1.2023.6.1", `"rooli": [`, `"edunvalvontavaltuutus": {}, "rooli": [`, "SOS-COND-MANDATE-ROLE /asiakkuusasiakirja/asiakkaaseen_liittyvat_henkilot/0/edunvalvontavaltuutus"},
		{relation, "1505.1.2023.6.1", `"rooli": [`, `"huoltajuus": {}, "rooli": [`, "SOS-COND-CUSTODY-ROLE /asiakkuusasiakirja/asiakkaaseen_liittyvat_henkilot/0/huoltajuus"},
		{relation, "1505.1.2023.6.1", `"rooli": [`, `"vanhemman_tiedonsaantioikeus": "x", "rooli": [`, "SOS-COND-PARENT-ROLE /asiakkuusasiakirja/asiakkaaseen_liittyvat_henkilot/0/vanhemman_tiedonsaantioikeus"},
		{relation, "1505.1.2023.6.1", `{"asiakkuuden_alkamispvm": "2025-01-01"}`, `{"asiakkuuden_alkamispvm": "2025-02-01", "asiakkuuden_paattymispvm": "2025-01"}`,
			"SOS-COND-RELATION-ORDER /asiakkuusasiakirja/sosiaalihuollon_asiakkuus/asiakkuuden_paattymispvm"},
		{relation, "1505.1.2023.6.1", `{"asiakkuuden_alkamispvm": "2025-01-01"}`, `{"asiakkuuden_alkamispvm": "2025-01-01", "asiakkuuden_paattymispvm": "2025"}`, ""},
		{relation, "1505.1.2023.6.1", `{"lastensuojelun_asiakkuuden_alkamispvm": "2025-01-01"}`, `{"lastensuojelun_asiakkuuden_alkamispvm": "2025-01-02", "lastensuojelun_asiakkuuden_paattymispvm": "2025-01-01"}`,
			"SOS-COND-CHILD-WELFARE-ORDER /asiakkuusasiakirja/lastensuojelun_asiakkuus/lastensuojelun_asiakkuuden_paattymispvm"},

		{relation, "1505.1.2023.6.1", `"turvakielto": false, "yhteys`, `"kotikunta": {}, "turvakielto": true, "yhteys`, "SOS-NONDISCLOSURE-MUNICIPALITY /asiakkuusasiakirja/asiakas/kotikunta"},
		{relation, "1505.1.2023.6.1", `"turvakielto": false, "yhteystiedot": {`, `"turvakielto": true, "yhteystiedot": {"yhteysosoite": {}, "osoite": [{}], `, "SOS-NONDISCLOSURE-ADDRESS /asiakkuusasiakirja/asiakas/yhteystiedot/osoite/0"},
		{relation, "1505.1.2023.6.1", `"turvakielto": false, "yhteystiedot": {`, `"turvakielto": true, "yhteystiedot": {"sahkopostiosoite": "x", `, "SOS-NONDISCLOSURE-EMAIL /asiakkuusasiakirja/asiakas/yhteystiedot/sahkopostiosoite"},
		{relation, "1505.1.2023.6.1", `"turvakielto": false, "rooli"`, `"turvakielto": true, "yhteystiedot": {"puhelinnumero": "0"}, "rooli"`, "SOS-NONDISCLOSURE-RELATED /asiakkuusasiakirja/asiakkaaseen_liittyvat_henkilot/0/yhteystiedot"},

		{base, "1505.2.2022.6.28", `"code": "1", "display": "Asia"`, `"code": "99", "display": "Muu"`, "SOS-COND-CASE-NAME-DETAIL-MISSING /asia_asiakirja/asian_tiedot"},
		{base, "1505.2.2022.6.28", `"Avoin"`, `"Suljettu"`, "SOS-COND-CASE-END-MISSING /asia_asiakirja/asian_tiedot"},
		{base, "1505.2.2022.6.28", `"avauspaiva": "2025-01-01"`, `"avauspaiva": "2025-01-01", "paattymispaiva": "2024-12-31"`, "SOS-COND-CASE-ORDER /asia_asiakirja/asian_tiedot/paattymispaiva"},
		{base, "1505.2.2022.6.28", `"avauspaiva": "2025-01-01"`, `"avauspaiva": "2025-01-01", "yhteinen_asia": true`, "SOS-COND-JOIN-TIME-MISSING /asia_asiakirja/asiakas/0"},
		{base, "1505.2.2022.6.28", `"asiakas": [`, `"asiakas": [{"sukunimi": "Toinen", "etunimet": "X", "tilapainen_yksilointitunnus": {"value": "1"}}, `, "SOS-COND-CLIENTS-MANY /asia_asiakirja/asiakas/1"},
		{base, "1505.2.2022.6.28", `"henkilotunnus"`, `"asiaan_liittymishetki": "2025-02-01", "asiasta_poistumishetki": "2025-01-01", "henkilotunnus"`, "SOS-COND-JOIN-ORDER /asia_asiakirja/asiakas/0/asiasta_poistumishetki"},

		{permission, "1505.8.2023.6.1", `"luovutusluvan_antaja": [`, `"luovutusluvan_antaja": [], "x": [`, "SOS-COND-GRANTER-MISSING /luovutuslupa_asiakirja; SOS-FIELD-UNKNOWN /luovutuslupa_asiakirja/x"},
		{permission, "1505.8.2023.6.1", `_edustaja": true`, `_edustaja": false`, "SOS-COND-GRANTER-EXTRA /luovutuslupa_asiakirja/luovutusluvan_antaja/0"},
		{permission, "1505.8.2023.6.1", `"henkilotunnus": {"value": "010181-901D"}, `, ``, "SOS-COND-REPRESENTATIVE-ID-MISSING /luovutuslupa_asiakirja/luovutusluvan_antaja/0"},
		{permission, "1505.8.2023.6.1", `"henkilotunnus": {"value": "010181-901D"}, `, `"henkilotunnus": {"value": "010181-901D"}, "edunvalvojan_tunniste": "1", `, "SOS-COND-REPRESENTATIVE-ID-MANY /luovutuslupa_asiakirja/luovutusluvan_antaja/0/edunvalvojan_tunniste"},
		{permission, "1505.8.2023.6.1", `{"laatija": {"sukunimi": "Testaaja", "etunimet": "Toinen"}}`, `{}`, "SOS-COND-WILL-AUTHOR-MISSING /luovutuslupa_asiakirja/ammattihenkilon_laatima_asiakirja"},
		{prohibition, "1505.9.2023.6.5", `"henkilo_joka_kieltaa_asiakastietojen_luovuttamisen": [{`, `"x": [{`,
			"SOS-COND-PROHIBITER-MISSING /kieltoasiakirja/palvelutehtavaa_koskevat_luovutuskiellot/palvelutehtavaa_koskeva_luovutuskielto/0; SOS-FIELD-UNKNOWN /kieltoasiakirja/palvelutehtavaa_koskevat_luovutuskiellot/palvelutehtavaa_koskeva_luovutuskielto/0/x"},
		{prohibition, "1505.9.2023.6.5", `"kieltaja_on_laillinen_edustaja": true,`, ``,
			"SOS-COND-PROHIBITER-EXTRA /kieltoasiakirja/palvelutehtavaa_koskevat_luovutuskiellot/palvelutehtavaa_koskeva_luovutuskielto/0/henkilo_joka_kieltaa_asiakastietojen_luovuttamisen/0"},

		{restriction, "1506.19008.2024.12.19", `"code": "24"`, `"code": "37"`, "SOS-COND-TASK-SERVICE /merkinta_rajoitustoimenpiteesta/sosiaalipalvelu"},
		{restriction, "1506.19008.2024.12.19", `"code": "10"`, `"code": "20"`, ""},
		{restriction, "1506.19008.2024.12.19", `T12:00:00+01:00`, `T11:59:00+02:00`, "SOS-COND-PERIOD-ORDER /merkinta_rajoitustoimenpiteesta/rajoitustoimenpide/rajoitustoimenpide/0/ajanjakso/paattymishetki"},
		{requested, "1506.19009.2023.11.30", `"tietojen_saamisen_paivamaara": "2025-01-01", `, ``, "SOS-COND-RECEIVED-DATE-MISSING /merkinta_asiakasta_koskevien_tietojen_pyytamisesta_tai_saamisesta"},
		{requested, "1506.19009.2023.11.30", `"pyydetyt_tiedot": "tiedot", "saadut_tiedot": "tiedot", `, `"saadut_tiedot": "", `, "SOS-COND-REQUESTED-OR-RECEIVED-MISSING /merkinta_asiakasta_koskevien_tietojen_pyytamisesta_tai_saamisesta"},
	} {
		st, ok := Default().Lookup("1.2.246.537.6." + c.oid)
		if !ok {
			t.Fatal(c.oid)
		}
		src := strings.Replace(c.base, c.old, c.new, 1)
		if c.old != "" && src == c.base {
			t.Fatalf("%q does not stand in the base document", c.old)
		}
		rep := st.Validate([]byte(src), Options{})
		var got []string
		for _, f := range rep.Findings {
			if f.Rule != RulePhrase { // the base documents have "x" for it
				got = append(got, f.Rule+" "+f.XPath)
				checkPlace(t, src, rep, f)
			}
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.new, s, c.want)
		}
		if n := st.Validate([]byte(src), Options{NoConditions: true}); n.has("SOS-COND-PERSON-ID-MISSING") || n.has("SOS-COND-CASE-ORDER") {
			t.Errorf("conditions were judged in spite of NoConditions")
		}
	}
}

// checkPlace holds a finding's line and column against the value, or the key of
// an unknown field, that its pointer names.
func checkPlace(t *testing.T, src string, rep *Report, f finding.Finding) {
	t.Helper()
	line := strings.Split(src, "\n")[f.Line-1]
	rest := string([]rune(line)[f.Column-1:])
	in := rep.Instance
	for i := range in.Len() {
		if in.Pointer(Ref(i)) != f.XPath {
			continue
		}
		raw := strings.Split(string(in.Raw(Ref(i))), "\n")[0]
		if f.Rule == RuleFieldUnknown {
			raw = `"` + in.Key(Ref(i)) + `"`
		}
		if !strings.HasPrefix(rest, raw) {
			t.Errorf("%s at %d:%d is %.20q, the value is %.20q", f.XPath, f.Line, f.Column, rest, raw)
		}
		return
	}
	t.Errorf("%s names no value", f.XPath)
}

// The families of conditions are broken in every structure that has them: the full
// document meets them, and taking the field away is found.
func TestDOC12_FamiliesOfConditions(t *testing.T) {
	for rule, c := range map[string]struct {
		count int
		spoil func(n *node) bool
	}{
		"SOS-COND-BIRTH-OR-ID-MISSING":       {80, without("henkilotunnus", "syntymaaika")},
		"SOS-COND-HEARING-REASON-MISSING":    {53, without("syyt_selvittamatta_jattamiselle")},
		"SOS-COND-NETWORK-REASON-MISSING":    {6, without("tekematta_jattamisen_syy")},
		"SOS-COND-SERVICE-OR-TEXT-MISSING":   {6, without("sosiaalipalvelu", "kuvaus")},
		"SOS-COND-ATTACHMENTS-UNNAMED":       {5, without("mita_liitteita")},
		"SOS-COND-PROOF-UNNAMED":             {9, without("mika_asiakirja_tai_selvitys")},
		"SOS-COND-MOTHER-UNMARKED":           {7, without("synnyttanyt_aiti", "otaksuttu_synnyttanyt_aiti")},
		"SOS-COND-PERSON-ID-MISSING":         {114, without("henkilotunnus", "tilapainen_yksilointitunnus")},
		"SOS-COND-REPRESENTATIVE-ID-MISSING": {4, without("henkilotunnus", "tilapainen_yksilointitunnus", "edunvalvojan_tunniste")},
		"SOS-COND-MUNICIPALITY-ORDER": {1, func(n *node) bool {
			n.child("kuntaan_muutto").text, n.child("kunnasta_muutto").text = "2025-02-01", "2025-01-01"
			return true
		}},
	} {
		if n := spoiled(t, rule, c.spoil); n != c.count {
			t.Errorf("%s: bound to %d objects, want %d", rule, n, c.count)
		}
	}
}

// without takes fields away and sets the switches and codes that ask for them.
func without(keys ...string) func(*node) bool {
	return func(n *node) bool {
		for _, k := range keys {
			if c := n.child(k); c != nil {
				n.drop(c)
			}
		}
		for _, c := range n.children {
			switch c.field.Key {
			case "suoritettu", "kartoitus_on_tehty":
				c.typ = TypeFalse
			case "muita_liitteita":
				c.typ = TypeTrue
			case "henkilollisyyden_todentamiseksi":
				c.child("code").text = "2"
			}
		}
		return true
	}
}

// spoiled breaks the rule at every object that it is bound to, and counts them.
func spoiled(t *testing.T, rule string, spoil func(*node) bool) int {
	t.Helper()
	bound := 0
	for _, st := range Default().List() {
		st.Root()
		for _, f := range st.flat {
			if !slices.ContainsFunc(f.conds, func(b *boundCondition) bool { return b.Rule == rule }) {
				continue
			}
			bound++
			g := newGenerator(GenerateOptions{Mode: Full, Seed: 2, At: st.Version})
			root := g.object(st.Root())
			if err := g.repair(st, root); err != nil {
				t.Fatal(err)
			}
			nodes := root.flatten(nil)
			i := slices.IndexFunc(nodes, func(n *node) bool { return n.field == f && n.typ == TypeObject })
			if i < 0 {
				continue // excluded by another condition of the full document
			}
			spoil(nodes[i])
			if rep := st.Validate(root.json(), Options{}); !rep.has(rule) {
				t.Errorf("%s at %s: %s", rule, f.Path(), told(rep))
			}
		}
	}
	return bound
}

func TestConditionsOfTheTableAreAllBound(t *testing.T) {
	bound := make(map[*condition]int)
	for _, st := range Default().List() {
		st.Root()
		for _, f := range st.flat {
			for _, b := range f.conds {
				bound[b.condition]++
			}
		}
	}
	for _, c := range conditionTable() {
		if bound[c] == 0 {
			t.Errorf("%s (%s) is bound to nothing", c.Rule, c.Source)
		}
	}
}

func TestBrokenConditionTablesAreRefused(t *testing.T) {
	for _, s := range []string{"- rule: X", "- {rule: X, source: y, certainty: V, wehn: []}", "x"} {
		if _, err := parseConditions(s); err == nil {
			t.Errorf("%q was taken", s)
		}
	}
}
