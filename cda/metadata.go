package cda

import "portti/internal/xmltree"

// Metadata is the header of a document (kanta-interface 5.2) with its local
// header (5.3 social, 5.4 health).
type Metadata struct {
	// RealmCodes: aluekoodi, FI.
	RealmCodes []Coded
	// TypeID: tekninen standardiversio.
	TypeID ID
	// TemplateIDs: määritykset; health documents only.
	TemplateIDs []ID
	// ID: asiakirjan tunniste.
	ID ID
	// Code: yleinen asiakirjatyyppi (social), rekisteritunnus (health).
	Code Coded
	// Title: otsikko; health documents only.
	Title Text
	// EffectiveTime: laatimisaika.
	EffectiveTime Timestamp
	// Confidentiality: luottamuksellisuus.
	Confidentiality Coded
	// Language: kieli.
	Language Coded
	// SetID: alkuperäisen asiakirjan tunniste, id of the series' first version.
	SetID ID
	// Version: versionumero, 1 and up.
	Version  Number
	CopyTime Timestamp
	// Clients: asiakkaat (recordTarget). Several where a case is shared (yhteinen asia).
	Clients []Client
	// Authors: laatijat.
	Authors []Author
	// Custodian: rekisterinpitäjä, the controller.
	Custodian Organization
	// Related: korvattu asiakirja (RPLC) and other relations.
	Related []RelatedDocument
	// Consents: alaikäisen tietojen luovuttaminen huoltajille (authorization/consent).
	Consents []Consent
	// Encounter: componentOf/encompassingEncounter: asiatunnus, organiser, unit.
	Encounter Encounter
	// Local is the local header.
	Local LocalHeader
}

// Client is one recordTarget.
type Client struct {
	// ID: henkilötunnus (root 1.2.246.21), temporary id, or null.
	ID ID
	// MoreIDs are ids after the first.
	MoreIDs []ID
	// Status is statusCode of the frame's patient; absent in documents.
	Status    Coded
	Name      Name
	Gender    Coded
	BirthTime Timestamp
	Node      xmltree.Node
}

// Author is one author (laatija).
type Author struct {
	Function     Coded
	Time         Timestamp
	ID           ID
	MoreIDs      []ID
	Name         Name
	Organization Organization
	Node         xmltree.Node
}

// RelatedDocument is one relatedDocument with its parentDocument.
type RelatedDocument struct {
	// TypeCode is RPLC (replaces), APND (adds to) or XFRM.
	TypeCode string
	// ID, Code, SetID and Version are the parent document's.
	ID      ID
	Code    Coded
	SetID   ID
	Version Number
	Node    xmltree.Node
}

// Consent is one authorization/consent.
type Consent struct {
	Code, Status Coded
	Node         xmltree.Node
}

// Encounter is componentOf/encompassingEncounter, in a frame
// componentOf/encounterEvent.
type Encounter struct {
	// ID: asiatunnus, the case's OID (health: palvelutapahtuma).
	ID   ID
	Time Interval
	// Organiser: palvelunjärjestäjä (responsibleParty's organisation).
	Organiser Organization
	// Units: palveluyksiköt (encounterParticipant's organisations).
	Units []Participant
	// Location is location/healthCareFacility of health documents and frames.
	Location Organization
	Node     xmltree.Node
}

// Participant is one encounterParticipant.
type Participant struct {
	// TypeCode is ADM in social, ATND in health documents.
	TypeCode     string
	ID           ID
	Organization Organization
	Node         xmltree.Node
}

// Present tells that the element stands in the document.
func (e Encounter) Present() bool { return e.Node > 0 }

// Unit gives the first service unit (palveluyksikkö), or the zero Organization.
func (e Encounter) Unit() Organization {
	if len(e.Units) == 0 {
		return Organization{}
	}
	return e.Units[0].Organization
}

// LocalKind tells which local header a document has.
type LocalKind uint8

// The local headers.
const (
	NoLocalHeader LocalKind = iota
	// SocialHeader is localSocialHeader (kanta-interface 5.3).
	SocialHeader
	// HealthHeader is localHeader (kanta-interface 5.4).
	HealthHeader
)

// LocalHeader is localSocialHeader or localHeader of namespace urn:hl7finland.
// Fields that only the health header has stand last.
type LocalHeader struct {
	Kind LocalKind
	Node xmltree.Node

	// SpecificType: asiakirjatyypin tarkenne.
	SpecificType Coded
	// CreationTime: tallennus-/luontiaika.
	CreationTime Timestamp
	// DocumentGroup: asiakirjaryhmä.
	DocumentGroup Coded
	// FileFormat: näyttömuodon formaatti.
	FileFormat Coded
	// StructuredFileFormat: rakenteisen muodon tiedostomuoto.
	StructuredFileFormat Coded
	// Software: laatinut ohjelmisto.
	Software Software
	// Functions: palvelutehtävät (functionCode). One in every document seen; the
	// law speaks of several (703/2023 § 37).
	Functions []Coded
	// RecordStatus: asiakirjan tila.
	RecordStatus Coded
	// RegistryType: rekisteritunnus.
	RegistryType Coded
	// Organiser: palvelunjärjestäjän tunniste (outsourcingServiceCustomer).
	Organiser     ID
	OrganiserName Text
	// RetentionClass: kokonaissäilytysaika (totalRetentionPeriodClass).
	RetentionClass Coded
	// SpecialContent: erityistä suojausta edellyttävä sisältö, K or E.
	SpecialContent Coded
	// ContentSpecification: sisältömäärityksen (Sosmeta) tunniste, an OID as text.
	ContentSpecification Text
	// ClientRelationship: asiakkuuden tunniste (encompassingClientRelationship).
	ClientRelationship ID
	// ServiceProcess: palveluprosessi.
	ServiceProcess ServiceProcess
	// RestrictionArgument: perustelu luovuttamisen rajoitukselle.
	RestrictionArgument Text
	// InaccessibleArgument: perustelu rajaamiselle Omakannassa.
	InaccessibleArgument Coded
	// ReasonOfCorrection: korvauksen syy.
	ReasonOfCorrection Coded
	// Signatures: allekirjoitustiedot, the metadata of signatures by professionals.
	Signatures []SignatureInfo
	// SignatureCollection is the element of the electronic signatures, 0 where absent.
	SignatureCollection xmltree.Node
	// Unknown are elements of the local header that neither model knows.
	Unknown []xmltree.Node

	// DocumentType: asiakirjatyyppi (health).
	DocumentType Coded
	// RetentionPeriodClass: säilytysaikaluokka (health).
	RetentionPeriodClass Coded
	// CustodianType: rekisterinpitäjän laji (health).
	CustodianType Coded
	// EncounterCode and EncounterMasterCode: palvelutapahtuman laji, ensisijaisuus (health).
	EncounterCode, EncounterMasterCode Coded
	// DeclaredTime and RegisteredTime (health).
	DeclaredTime, RegisteredTime Timestamp
	// PatientRegistrySpecifier: rekisterin tarkenne (health).
	PatientRegistrySpecifier     ID
	PatientRegistrySpecifierName Text
	// ServiceProvider: palveluntuottaja (eprServiceProvider; health).
	ServiceProvider     ID
	ServiceProviderName Text
	// HomeMunicipality: potilaan kotikunta (health).
	HomeMunicipality Coded
}

// Function gives the first service task (palvelutehtävä), or the zero Coded.
func (l *LocalHeader) Function() Coded {
	if len(l.Functions) == 0 {
		return Coded{}
	}
	return l.Functions[0]
}

// Software is softwareSupport.
type Software struct {
	Moderator, Product, Version, Text string
	Node                              xmltree.Node
}

// Present tells that the element stands in the document.
func (s Software) Present() bool { return s.Node > 0 }

// ServiceProcess is serviceProcess: a fixed type text and the process's code.
type ServiceProcess struct {
	Type Text
	Code Coded
	Node xmltree.Node
}

// SignatureInfo is one metadata block localSocialHeader/signature.
type SignatureInfo struct {
	// Signer: assignedAuthorSigner, the signer's registration number as text.
	Signer Text
	Name   Name
	// Method: tunnistautumistapa.
	Method Coded
	Time   Timestamp
	Node   xmltree.Node
}

// IsHealth tells that the document is one of health care: its local header is
// the health one, or its code names a health register.
func (m *Metadata) IsHealth() bool {
	if m.Local.Kind == HealthHeader {
		return true
	}
	return m.Local.Kind == NoLocalHeader &&
		(InSystem(m.Code.System, "1.2.246.537.5.40150") || InSystem(m.Code.System, "1.2.246.537.5.40105"))
}

// Replaces gives the first relation of type RPLC.
func (m *Metadata) Replaces() (RelatedDocument, bool) {
	for _, r := range m.Related {
		if r.TypeCode == "RPLC" {
			return r, true
		}
	}
	return RelatedDocument{}, false
}
