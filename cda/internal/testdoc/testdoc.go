// Package testdoc holds documents for the tests of the rooms of cda: invented
// lookalikes of the real forms, with test persons and organisations that cannot
// exist. They carry no signatures; fixtures makes signed ones.
package testdoc

import (
	"encoding/base64"
	"strings"
)

// Values of the documents.
const (
	ID           = "1.2.246.10.99999901.95.2026.1.17"
	CaseID       = "1.2.246.10.99999901.95.2026.2.5"
	Controller   = "1.2.246.10.99999901.10.0"
	Unit         = "1.2.246.10.99999901.10.7"
	ClientHetu   = "010181-900C"
	Registration = "90000000001"
)

// XHTML is the display form of the documents.
const XHTML = `<div xmlns="http://www.w3.org/1999/xhtml" class="soc-document" id="OID` + ID + `">` +
	`<div class="soc-header"><div class="soc-logo"><img alt="" src="data:image/png;base64,iVBORw0KGgo="/></div></div>` +
	`<div class="soc-main-wrapper"><h1 class="soc-fulltitle">Suunnitelma</h1><p>010181****</p></div></div>`

// JSON is the structured form of the documents of phase II, by its structure
// (1.2.246.537.6.1506.15007.2024.11.28).
const JSON = `{"lapsiperheiden_palvelujen_asiakassuunnitelma":{"asiakas":[{"sukunimi":"Asiakas","etunimet":"Testi","henkilotunnus":{"value":"` + ClientHetu + `"}}],` +
	`"suunnitelma":{"kuvaus_asiakkaan_tilanteesta":"Keksitty."},"paivamaara":"2026-03-23",` +
	`"laatija":[{"sukunimi":"Ammattilainen","etunimet":"Aino"}]}}`

// RelationshipJSON is the structured form of Relationship.
const RelationshipJSON = `{"asiakkuusasiakirja":{"asiakkuuden_yksilointitunnus":{"value":"1.2.246.10.99999901.95.2026.3.1"},` +
	`"asiakas":{"sukunimi":"Asiakas","etunimet":"Testi","henkilotunnus":{"value":"` + ClientHetu + `"},"syntymaaika":"1981-01-01","turvakielto":false},` +
	`"sosiaalihuollon_asiakkuus":{"asiakkuuden_alkamispvm":"2026-03-23"},` +
	`"palvelunjarjestajan_toimintayksikko":{"system":"urn:oid:1.2.246.537.6.202.2008","code":"` + Controller + `","display":"Esimerkin hyvinvointialue"},` +
	`"sosiaalihuollon_palvelutehtava":[{"palvelutehtava":{"system":"urn:oid:1.2.246.537.6.1221.201601","code":"24","display":"Lapsiperheiden palvelut"},` +
	`"palvelunjarjestajan_palveluyksikko":[{"palveluyksikon_nimi":{"system":"urn:oid:1.2.246.537.6.202.2008","code":"` + Unit + `","display":"Esimerkin perhekeskus"},` +
	`"asiakkuuden_alkamispvm":"2026-03-23"}]}]}}`

// Phase2 gives a document of phase II (asiakasasiakirja) that strict accepts.
func Phase2() string { return With(XHTML, JSON) }

// With gives the document of Phase2 with other forms in its body.
func With(display, structured string) string {
	return strings.NewReplacer(
		"{XHTML}", base64.StdEncoding.EncodeToString([]byte(display)),
		"{JSON}", base64.StdEncoding.EncodeToString([]byte(structured)),
	).Replace(phase2)
}

// Relationship gives a client-relationship document (asiakkuusasiakirja) that
// strict accepts.
func Relationship() string {
	s := With(XHTML, RelationshipJSON)
	for _, r := range [][2]string{
		{`<code code="15" codeSystem="1.2.246.537.6.1506.201701" displayName="Suunnitelma"/>`, `<code nullFlavor="NA"/>`},
		{`<id root="1.2.246.537.26" extension="90000000001"/><assignedPerson><name><given>Aino</given><family>Ammattilainen</family></name></assignedPerson>`, `<id nullFlavor="NA"/>`},
		{`<id root="1.2.246.10.99999901.95.2026.2.5"/><effectiveTime`, `<id nullFlavor="NA"/><effectiveTime`},
		{`<f:specificDocumentType code="15007" codeSystem="1.2.246.537.6.1506.201701"/>`, ``},
		{`<f:documentGroup code="5"`, `<f:documentGroup code="1"`},
		{`<f:functionCode code="24" codeSystem="1.2.246.537.6.1221.201601"/>`, ``},
		{`1.2.246.537.6.1506.15007.2024.11.28`, `1.2.246.537.6.1505.1.2023.6.1`},
		{`<f:serviceProcess>`, `<f:encompassingClientRelationship root="1.2.246.10.99999901.95.2026.3.1"/><f:serviceProcess>`},
		{`<f:signatureDescription code="1"`, `<f:signatureDescription code="3"`},
	} {
		s = Replace(s, r[0], r[1])
	}
	s = Cut(s, "<f:serviceProcess>", "</f:serviceProcess>")
	return Cut(s, "<f:signature>", "</f:signature>")
}

// Replace replaces old, which must stand in s exactly once.
func Replace(s, old, new string) string {
	if strings.Count(s, old) != 1 {
		panic("testdoc: stands not once: " + old)
	}
	return strings.Replace(s, old, new, 1)
}

// Cut takes out the text from the first begin to the first end after it.
func Cut(s, begin, end string) string {
	i := strings.Index(s, begin)
	j := strings.Index(s[max(i, 0):], end)
	if i < 0 || j < 0 {
		panic("testdoc: not there: " + begin)
	}
	return s[:i] + s[i+j+len(end):]
}

const phase2 = `<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:f="urn:hl7finland">
<realmCode code="FI"/>
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="1.2.246.10.99999901.95.2026.1.17"/>
<code code="15" codeSystem="1.2.246.537.6.1506.201701" displayName="Suunnitelma"/>
<effectiveTime value="20260323105424+0200"/>
<confidentialityCode code="6" codeSystem="1.2.246.777.5.99902.2006"/>
<languageCode code="fi"/>
<setId root="1.2.246.10.99999901.95.2026.1.17"/>
<versionNumber value="1"/>
<recordTarget><patientRole><id root="1.2.246.21" extension="010181-900C"/><patient><name><given>Testi</given><given qualifier="CL">Testi</given><family>Asiakas</family></name><administrativeGenderCode code="2" codeSystem="1.2.246.537.5.1.1997"/><birthTime value="19810101"/></patient></patientRole></recordTarget>
<author><time nullFlavor="NA"/><assignedAuthor><id root="1.2.246.537.26" extension="90000000001"/><assignedPerson><name><given>Aino</given><family>Ammattilainen</family></name></assignedPerson></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id root="1.2.246.10.99999901.10.0"/><name>Esimerkin hyvinvointialue</name></representedCustodianOrganization></assignedCustodian></custodian>
<authorization><consent><code code="1" codeSystem="1.2.246.537.6.1286.201901"/><statusCode code="completed"/></consent></authorization>
<componentOf><encompassingEncounter><id root="1.2.246.10.99999901.95.2026.2.5"/><effectiveTime nullFlavor="NA"/><responsibleParty><assignedEntity><id nullFlavor="NA"/><representedOrganization><id root="1.2.246.10.99999901.10.0"/><name>Esimerkin hyvinvointialue</name></representedOrganization></assignedEntity></responsibleParty><encounterParticipant typeCode="ADM"><assignedEntity><id nullFlavor="NA"/><representedOrganization><id root="1.2.246.10.99999901.10.7"/><name>Esimerkin perhekeskus</name></representedOrganization></assignedEntity></encounterParticipant></encompassingEncounter></componentOf>
<f:localSocialHeader>
<f:specificDocumentType code="15007" codeSystem="1.2.246.537.6.1506.201701"/>
<f:creationTime value="20260323105424+0200"/>
<f:documentGroup code="5" codeSystem="1.2.246.537.6.1505.201601"/>
<f:fileFormat code="2" codeSystem="1.2.246.537.6.1502.201601"/>
<f:structuredFileFormat code="5" codeSystem="1.2.246.537.5.40179.2008"/>
<f:softwareSupport moderator="Valmistaja" product="Järjestelmä" version="1.0"/>
<f:functionCode code="24" codeSystem="1.2.246.537.6.1221.201601"/>
<f:recordStatus code="3" codeSystem="1.2.246.537.5.40154.2008"/>
<f:registryType code="1" codeSystem="1.2.246.537.6.1264.201701"/>
<f:outsourcingServiceCustomer root="1.2.246.10.99999901.10.0"/>
<f:outsourcingServiceCustomerName>Esimerkin hyvinvointialue</f:outsourcingServiceCustomerName>
<f:totalRetentionPeriodClass code="1" codeSystem="1.2.246.537.6.1258.201601"/>
<f:specialContent code="E" codeSystem="1.2.246.537.6.112.2007"/>
<f:contentSpecificationId>1.2.246.537.6.1506.15007.2024.11.28</f:contentSpecificationId>
<f:serviceProcess><f:type>Sosiaalihuollon palveluprosessi</f:type><f:code code="3" codeSystem="1.2.246.537.6.1277.201701"/></f:serviceProcess>
<f:authorizationRestrictionArgument>Perustelu</f:authorizationRestrictionArgument>
<f:inaccessibleArgument code="1" codeSystem="1.2.246.537.6.1288.201901"/>
<f:signature><f:assignedAuthorSigner>90000000001</f:assignedAuthorSigner><f:signer><f:name><f:given>Aino</f:given><f:family>Ammattilainen</f:family></f:name></f:signer><f:authenticationMethod code="1" codeSystem="1.2.246.537.5.40128.2006"/><f:time value="20260323105425+0200"/></f:signature>
<f:signatureCollection><f:signature ID="sig1"><f:signatureDescription code="1" codeSystem="1.2.246.537.5.40127.2006"/><f:signatureTimestamp ID="t1">2026-03-23T08:54:26Z</f:signatureTimestamp></f:signature></f:signatureCollection>
</f:localSocialHeader>
<component><nonXMLBody ID="OID1.2.246.10.99999901.95.2026.1.17"><text mediaType="application/xhtml+xml" representation="B64">{XHTML}</text><f:json>{JSON}</f:json></nonXMLBody></component>
</ClinicalDocument>
`
