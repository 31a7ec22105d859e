package pipeline

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"portti/cda"
	"portti/gateway/logs"
	"portti/store"
)

// noteType is the specific type of the case note that tells of a disclosure made
// outside the archive (Merkintä asiakastietojen luovuttamisesta, kanta-interface 12.5).
const noteType = "19010"

// noteRoot is the root of its structure.
const noteRoot = "merkinta_asiakastietojen_luovuttamisesta"

// note is what such a case note tells (Sosmeta 1.2.246.537.6.1506.19010).
type note struct {
	Clients []struct {
		notePerson
		Identity struct {
			Value string `json:"value"`
		} `json:"henkilotunnus"`
		Temporary struct {
			System string `json:"system"`
			Value  string `json:"value"`
		} `json:"tilapainen_yksilointitunnus"`
	} `json:"asiakas"`
	Data      string `json:"luovutetut_tiedot"`
	Documents []struct {
		ID struct {
			Value string `json:"value"`
		} `json:"oid_tunnus"`
		Name struct {
			Code    string `json:"code"`
			Display string `json:"display"`
		} `json:"nimi"`
	} `json:"luovutetut_asiakirjat"`
	Day       string     `json:"tietojen_luovuttamisen_paivamaara"`
	Recipient notePerson `json:"tietojen_vastaanottaja"`
	Discloser notePerson `json:"tietojen_luovuttaja"`
	Ground    string     `json:"perustelu"`
	Purpose   string     `json:"kayttotarkoitus_johon_tiedot_on_luovutettu"`
}

type notePerson struct {
	Family       string `json:"sukunimi"`
	Given        string `json:"etunimet"`
	Title        string `json:"tehtavanimike"`
	Organisation string `json:"organisaatio"`
}

func (p notePerson) name() string { return strings.TrimSpace(p.Given + " " + p.Family) }

// disclosed gives the disclosure-log rows of a document that tells of a disclosure
// (LUO-6): one for each client and each document disclosed, or for the data in words.
// The structure itself has been judged before; what it does not tell stays empty.
func (m *message) disclosed(a *store.Archival) []store.Disclosure {
	if a.Index.SpecificType != noteType || a.Nullifies || m.judged.Body == nil || m.judged.Body.JSON == nil {
		return nil
	}
	return noteDisclosures(a, m.judged.Body.JSON.Bytes, m.documentDetail(&m.judged.Document.Metadata))
}

// noteDisclosures is disclosed, of a note's JSON.
func noteDisclosures(a *store.Archival, body []byte, detail logs.Detail) (out []store.Disclosure) {
	var doc map[string]json.RawMessage
	var n note
	if json.Unmarshal(body, &doc) != nil || json.Unmarshal(doc[noteRoot], &n) != nil {
		return nil
	}
	detail.Documents = []string{a.ID}
	for _, client := range n.clients(a) {
		out = append(out, n.rows(a, client, detail)...)
	}
	return out
}

// clients are those that the note names, or the document's main client.
func (n *note) clients(a *store.Archival) (out []string) {
	for _, c := range n.Clients {
		id := cda.ID{Extension: c.Identity.Value}
		if id.Extension == "" {
			id = cda.ID{Root: strings.TrimPrefix(c.Temporary.System, "urn:oid:"), Extension: c.Temporary.Value}
		}
		if id.Extension != "" {
			out = append(out, meant(a.Index.Clients, id.PersonKey()))
		}
	}
	if len(out) == 0 {
		out = append(out, append(a.Index.Clients, "")[0])
	}
	return out
}

func (n *note) rows(a *store.Archival, client string, detail logs.Detail) (out []store.Disclosure) {
	d := store.Disclosure{
		At: n.day(a), DataController: a.Controller, LogController: a.Controller, Client: client,
		Discloser: n.Discloser.name(), UserName: n.Recipient.name(), Recipient: cmp.Or(n.Recipient.Organisation, "private person"),
		Purpose: "note", Ground: "note",
	}
	// Both are free text, which belongs where payloads are sealed.
	detail.PurposeText, detail.GroundText = n.Purpose, n.Ground
	d.Detail = detail.JSON()
	if n.Data != "" || len(n.Documents) == 0 {
		x := d
		x.Description = n.Data
		out = append(out, x)
	}
	for _, doc := range n.Documents {
		x := d
		x.DocumentID, x.Description = doc.ID.Value, strings.TrimSpace(doc.Name.Code+" "+doc.Name.Display)
		out = append(out, x)
	}
	return out
}

// day is the day of the disclosure; where it cannot be read, the document's time.
func (n *note) day(a *store.Archival) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, n.Day, cda.Helsinki())
	if err != nil {
		return a.Index.Effective
	}
	return t
}
