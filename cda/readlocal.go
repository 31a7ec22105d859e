package cda

import (
	"strings"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// localHeader reads a child of ClinicalDocument in Finland's namespace.
func (r *reader) localHeader(l *LocalHeader, n xmltree.Node) {
	kind := NoLocalHeader
	switch r.t.Local(n) {
	case "localSocialHeader":
		kind = SocialHeader
	case "localHeader":
		kind = HealthHeader
	default:
		return
	}
	if !r.first(l.Kind != NoLocalHeader, n, "LOCALHEADER") {
		return
	}
	l.Kind, l.Node = kind, n
	for x := range r.t.Children(n) {
		if r.t.Space(x) == NamespaceFinland && (r.shared(l, x) || r.social(l, x) || r.health(l, x)) {
			continue
		}
		l.Unknown = append(l.Unknown, x)
	}
}

// shared reads fields that both local headers have.
func (r *reader) shared(l *LocalHeader, n xmltree.Node) bool {
	switch r.t.Local(n) {
	case "fileFormat":
		r.coded(&l.FileFormat, n, "FILEFORMAT")
	case "softwareSupport":
		if r.first(l.Software.Present(), n, "SOFTWARE") {
			l.Software = Software{
				Moderator: r.t.Attr(n, "moderator"), Product: r.t.Attr(n, "product"), Version: r.t.Attr(n, "version"),
				Text: strings.TrimSpace(r.t.Text(n)), Node: n,
			}
		}
	case "functionCode":
		l.Functions = append(l.Functions, ReadCoded(r.t, n))
	case "recordStatus":
		r.coded(&l.RecordStatus, n, "RECORDSTATUS")
	case "outsourcingServiceCustomer":
		r.id(&l.Organiser, n, "ORGANISER")
	case "outsourcingServiceCustomerName":
		r.text(&l.OrganiserName, n, "ORGANISER-NAME")
	case "signatureCollection":
		if r.first(l.SignatureCollection > 0, n, "SIGNATURECOLLECTION") {
			l.SignatureCollection = n
		}
	default:
		return false
	}
	return true
}

// social reads fields of localSocialHeader (kanta-interface 5.3).
func (r *reader) social(l *LocalHeader, n xmltree.Node) bool {
	switch r.t.Local(n) {
	case "specificDocumentType":
		r.coded(&l.SpecificType, n, "SPECIFICTYPE")
	case "creationTime":
		r.time(&l.CreationTime, n, "CREATIONTIME")
	case "documentGroup":
		r.coded(&l.DocumentGroup, n, "DOCUMENTGROUP")
	case "structuredFileFormat":
		r.coded(&l.StructuredFileFormat, n, "STRUCTUREDFILEFORMAT")
	case "registryType":
		r.coded(&l.RegistryType, n, "REGISTRYTYPE")
	case "totalRetentionPeriodClass":
		r.coded(&l.RetentionClass, n, "RETENTIONCLASS")
	case "specialContent":
		r.coded(&l.SpecialContent, n, "SPECIALCONTENT")
	case "contentSpecificationId":
		r.text(&l.ContentSpecification, n, "CONTENTSPECIFICATION")
	case "encompassingClientRelationship":
		r.id(&l.ClientRelationship, n, "CLIENTRELATIONSHIP")
	case "serviceProcess":
		if r.first(l.ServiceProcess.Node > 0, n, "SERVICEPROCESS") {
			l.ServiceProcess = r.process(n)
		}
	case "authorizationRestrictionArgument":
		r.text(&l.RestrictionArgument, n, "RESTRICTIONARGUMENT")
	case "inaccessibleArgument":
		r.coded(&l.InaccessibleArgument, n, "INACCESSIBLEARGUMENT")
	case "reasonOfCorrection":
		r.coded(&l.ReasonOfCorrection, n, "REASONOFCORRECTION")
	case "signature":
		l.Signatures = append(l.Signatures, r.signature(n))
	default:
		return false
	}
	return true
}

func (r *reader) process(n xmltree.Node) ServiceProcess {
	p := ServiceProcess{Node: n}
	for x := range r.t.Children(n) {
		switch {
		case r.t.Is(x, NamespaceFinland, "type"):
			r.text(&p.Type, x, "SERVICEPROCESS-TYPE")
		case r.t.Is(x, NamespaceFinland, "code"):
			r.coded(&p.Code, x, "SERVICEPROCESS-CODE")
		}
	}
	return p
}

// signature reads one metadata block of a professional's signature.
func (r *reader) signature(n xmltree.Node) SignatureInfo {
	s := SignatureInfo{Node: n}
	for x := range r.t.Children(n) {
		if r.t.Space(x) != NamespaceFinland {
			continue
		}
		switch r.t.Local(x) {
		case "assignedAuthorSigner":
			r.text(&s.Signer, x, "SIGNER")
		case "signer":
			if p := r.t.Child(x, NamespaceFinland, "name"); p != xmltree.None {
				r.name(&s.Name, p, "SIGNER-NAME")
			}
		case "authenticationMethod":
			r.coded(&s.Method, x, "SIGNER-METHOD")
		case "time":
			r.time(&s.Time, x, "SIGNER-TIME")
		}
	}
	return s
}

// health reads fields of localHeader that the social one lacks
// (kanta-interface 5.4). custodianTypecode is a slip of case in a real message.
func (r *reader) health(l *LocalHeader, n xmltree.Node) bool {
	switch r.t.Local(n) {
	case "documentType":
		r.coded(&l.DocumentType, n, "DOCUMENTTYPE")
	case "retentionPeriodClass":
		r.coded(&l.RetentionPeriodClass, n, "RETENTIONPERIODCLASS")
	case "custodianTypeCode", "custodianTypecode":
		r.coded(&l.CustodianType, n, "CUSTODIANTYPE")
	case "encompassingEncounterCode":
		r.coded(&l.EncounterCode, n, "ENCOUNTERCODE")
	case "encompassingEncounterMasterCode":
		r.coded(&l.EncounterMasterCode, n, "ENCOUNTERMASTERCODE")
	case "declaredTime":
		r.time(&l.DeclaredTime, n, "DECLAREDTIME")
	case "registeredTime":
		r.time(&l.RegisteredTime, n, "REGISTEREDTIME")
	case "patientRegistrySpecifier":
		r.id(&l.PatientRegistrySpecifier, n, "REGISTRYSPECIFIER")
	case "patientRegistrySpecifierName":
		r.text(&l.PatientRegistrySpecifierName, n, "REGISTRYSPECIFIER-NAME")
	case "eprServiceProvider":
		r.id(&l.ServiceProvider, n, "SERVICEPROVIDER")
	case "eprServiceProviderName":
		r.text(&l.ServiceProviderName, n, "SERVICEPROVIDER-NAME")
	case "patientHomeMunicipality":
		r.coded(&l.HomeMunicipality, n, "HOMEMUNICIPALITY")
	default:
		return healthIgnored[r.t.Local(n)]
	}
	return true
}

// healthIgnored are elements of localHeader that are known and not modelled.
var healthIgnored = map[string]bool{
	"description": true, "tableOfContents": true, "typeCode": true, "currentLocation": true,
	"retentionPeriod": true, "auditTrail": true, "serviceChainLink": true, "episodeLink": true,
	"product": true, "sender": true, "password": true, "activeCustodian": true, "activeCustodianName": true,
	"secondaryEncompassingEncounterId": true, "extendedRetentionPeriod": true, "sensitiveDocument": true,
	"releaseDateForPatientViewing": true,
}

// Parts of a header for readers of the frame, which holds the same classes under
// slightly other names.

// ReadClient reads a frame's recordTarget/patient{id, statusCode, patientPerson}.
func ReadClient(t *xmltree.Tree, n xmltree.Node) Client {
	r := reader{t: t}
	c := Client{Node: n}
	patient := t.Child(n, NamespaceHL7, "patient")
	if patient == xmltree.None {
		return c
	}
	for x := range t.Children(patient) {
		switch {
		case t.Is(x, NamespaceHL7, "id"):
			c.addID(ReadID(t, x))
		case t.Is(x, NamespaceHL7, "statusCode"):
			c.Status = ReadCoded(t, x)
		case t.Is(x, NamespaceHL7, "patientPerson"):
			r.person(&c, x)
		}
	}
	return c
}

// ReadAuthor reads an author element.
func ReadAuthor(t *xmltree.Tree, n xmltree.Node) Author {
	r := reader{t: t}
	return r.author(n)
}

// ReadCustodian reads a frame's custodian.
func ReadCustodian(t *xmltree.Tree, n xmltree.Node) Organization {
	r := reader{t: t}
	return r.custodian(n, "representedOrganization")
}

// ReadRelated reads a relatedDocument element.
func ReadRelated(t *xmltree.Tree, n xmltree.Node) RelatedDocument {
	r := reader{t: t}
	return r.related(n)
}

// ReadEncounter reads a frame's componentOf/encounterEvent.
func ReadEncounter(t *xmltree.Tree, n xmltree.Node) Encounter {
	r := reader{t: t}
	if e := t.Child(n, NamespaceHL7, "encounterEvent"); e != xmltree.None {
		n = e
	}
	return r.encounter(n)
}

// ReadLocalHeader reads a local header that stands in a frame.
func ReadLocalHeader(t *xmltree.Tree, n xmltree.Node) LocalHeader {
	r := reader{t: t, src: finding.SourceFrame}
	var l LocalHeader
	r.localHeader(&l, n)
	return l
}
