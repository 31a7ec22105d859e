package pipeline

import (
	"testing"
	"time"

	"portti/cda/sosmeta"
	"portti/gateway/logs"
	"portti/store"
)

const noteBody = `{"merkinta_asiakastietojen_luovuttamisesta": {
  "asiakas": [{"sukunimi": "Testinen", "etunimet": "Tiina", "henkilotunnus": {"system": "urn:oid:1.2.246.21", "value": "010181-900C"}},
              {"sukunimi": "Testinen", "etunimet": "Toni", "tilapainen_yksilointitunnus": {"value": "T-1"}}],
  "palvelutehtava": {"system": "urn:oid:1.2.246.537.6.1221.201601", "code": "24", "display": "Lapsiperheiden palvelut"},
  "luovutetut_tiedot": "Tieto asiakkuudesta",
  "luovutetut_asiakirjat": [{"oid_tunnus": {"value": "1.2.246.10.99999901.95.1"}, "nimi": {"system": "urn:oid:1.2.246.537.6.1506.201701", "code": "11001", "display": "Lapsiperheiden palvelupäätös"}}],
  "tietojen_luovuttamisen_paivamaara": "2026-03-01",
  "tietojen_vastaanottaja": {"sukunimi": "Vastaanottaja", "etunimet": "Veera", "organisaatio": "Testivirasto"},
  "tietojen_luovuttaja": {"sukunimi": "Luovuttaja", "etunimet": "Lauri"},
  "perustelu": "Laki 703/2023 55 §", "kayttotarkoitus_johon_tiedot_on_luovutettu": "Päätöksenteko",
  "laatija": {"sukunimi": "Laatija", "etunimet": "Liisa"}}}`

// A case note of a disclosure leaves a row for each client and each thing disclosed;
// its free text stands in the sealed part alone.
func TestLUO6_ACaseNoteOfADisclosureLeavesDisclosureRows(t *testing.T) {
	a := &store.Archival{ID: "1.2.246.10.99999901.95.9", Controller: "1.2.246.10.99999901.10.0"}
	ds := noteDisclosures(a, []byte(noteBody), logs.Detail{Case: "c"})
	if len(ds) != 4 {
		t.Fatalf("%d rows: %+v", len(ds), ds)
	}
	d := ds[1]
	if d.Client != "010181-900C" || ds[3].Client != "T-1" || d.DocumentID != "1.2.246.10.99999901.95.1" || d.Description != "11001 Lapsiperheiden palvelupäätös" ||
		d.Discloser != "Lauri Luovuttaja" || d.UserName != "Veera Vastaanottaja" || d.Recipient != "Testivirasto" || d.DataController != a.Controller ||
		d.At.UTC().Format(time.RFC3339) != "2026-02-28T22:00:00Z" || ds[0].Description != "Tieto asiakkuudesta" || ds[0].DocumentID != "" {
		t.Errorf("%+v", ds)
	}
	x := logs.ReadDetail(d.Detail)
	if x.PurposeText != "Päätöksenteko" || x.GroundText != "Laki 703/2023 55 §" || x.Case != "c" || x.Documents[0] != a.ID || d.Purpose == x.PurposeText || d.Ground == x.GroundText {
		t.Errorf("detail %+v", x)
	}
	for _, other := range []string{"", "[]", `{"x":{}}`, `{"merkinta_asiakastietojen_luovuttamisesta": 3}`} {
		if ds := noteDisclosures(a, []byte(other), logs.Detail{}); other != `{"x":{}}` && len(ds) != 0 {
			t.Errorf("%s: %+v", other, ds)
		}
	}
}

// The note of these tests is one of the national structure: its field names are
// those, and nothing of it is unknown there.
func TestLUO6_TheNoteIsOfTheNationalStructure(t *testing.T) {
	versions := sosmeta.Default().Versions("1.2.246.537.6.1506." + noteType)
	if len(versions) == 0 {
		t.Fatal("the structure of the note is not shipped")
	}
	for _, v := range versions {
		for _, f := range v.Validate([]byte(noteBody), sosmeta.Options{}).Findings {
			t.Errorf("%s %s %s", f.Rule, f.XPath, f.Value)
		}
	}
}
