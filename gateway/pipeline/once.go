package pipeline

import (
	"slices"
	"strings"

	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/cda/xsd"
	"portti/internal/finding"
	"portti/xmldsig"
)

// sameFault tells by which ends of rule ids another stage tells the fault that a
// rule of the schema tells at the same place. The schema speaks of elements and
// values, the others of the field that they are: the field's finding stays.
var sameFault = map[string][]string{
	xsd.RuleElementMissing:    {"-MISSING", "-SHORT", "-STRUCTURE"},
	xsd.RuleElementRepeated:   {"-REPEATED"},
	xsd.RuleElementUnexpected: {"-ELSEWHERE", "-NESTED", "-ELEMENT", "-PLACEHOLDER"},
	xsd.RuleAttributeMissing:  {"-EMPTY", "-MISSING", "-NULL", "-TYPECODE", "-FORMAT"},
	xsd.RuleValueOID:          {"-OID"},
	xsd.RuleValueTime:         {"-SYNTAX"},
	xsd.RuleValueCode:         {"-UNKNOWN", "-UNLISTED"},
	xsd.RuleValueEnum:         {"-UNKNOWN", "-UNLISTED", "-ROOT", "-VALUE", "-REPRESENTATION", "-EMPTY"},
	xsd.RuleValueEmpty:        {"-EMPTY"},
	xsd.RuleValuePattern:      {"-SYNTAX", "-OID", "-UNKNOWN"},
	xsd.RuleValueType:         {"-SYNTAX", "-UNKNOWN", "-FORMAT"},
	xsd.RuleFixed:             {"-VALUE", "-ROOT"},

	// A value that is wrong by itself is not also told to differ from the frame's.
	rules.RuleCrossID: {"-OID"}, rules.RuleCrossSetID: {"-OID"}, rules.RuleCrossCustodian: {"-OID"}, rules.RuleCrossRegister: {"-CODESYSTEM"},
	rules.RuleCrossClientID: {"-ID-EMPTY", "-ID-MISSING", "-ID-NULL", "-ID-OID", "-ID-ROOT", "-NOEXTENSION", "-LENGTH", "-CHARACTER", "-CENTURY",
		"-DATE", "-INDIVIDUAL", "-CHECK"},
	rules.RuleCrossConfidentiality: {"-HEALTH"}, rules.RuleFirstSetID: {"-OID", "-EXTENSION"}, rules.RuleRelatedSetID: {"-OID", "-EXTENSION"},
	rules.RuleOrganiserDiffers: {"-OID"}, rules.RuleHetuBirth: {"-FUTURE", "-PRECISION"},
}

// toldBy are rules whose fault another rule tells, wherever: the document has one
// root, one local header, one collection of signatures. The first of the list that
// was found stands for the rule.
var toldBy = map[string][]string{
	xsd.RuleRootUnknown:           {"META-ROOT-WRONG"},
	xmldsig.RuleDocumentRoot:      {"META-ROOT-WRONG"},
	xmldsig.RuleLocalHeaderCount:  {"META-LOCALHEADER-MISSING", "META-LOCALHEADER-REPEATED"},
	xmldsig.RuleCollectionCount:   {"META-SIGNATURECOLLECTION-REPEATED"},
	xmldsig.RuleBodyCount:         {"BODY-MISSING"},
	xmldsig.RuleComponentCount:    {"BODY-REPEATED"},
	xmldsig.RuleSignerMissing:     {"META-SIGNATUREINFO-MISSING", "META-SIGNER-MISSING"},
	xmldsig.RuleSignerMismatch:    {"META-SIGNER-EMPTY", "META-SIGNER-NULL", "META-SIGNER-NUMBER"},
	"META-UNIT-MISSING":           {"META-ENCOUNTER-MISSING"},
	"META-UNIT-NAME-MISSING":      {"META-ENCOUNTER-MISSING"},
	"META-CASE-MISSING":           {"META-ENCOUNTER-MISSING"},
	"META-RESPONSIBLE-MISSING":    {"META-ENCOUNTER-MISSING"},
	"META-CUSTODIAN-NAME-MISSING": {"META-CUSTODIAN-MISSING"},
	"META-VERSION-NEXT-UNRELATED": {"META-RELATED-TYPECODE"},
	"META-ORGANISER-DIFFERS":      {"META-RESPONSIBLE-OID"},
	"META-CONSENT-MINOR-MISSING":  {"META-CONSENT-EMPTY"},
	"CROSS-CLIENTS-NUMBER":        {"META-CLIENT-TWICE", "META-CLIENT-SEVERAL"},
	"FRAME-RECEIVER-UNKNOWN":      {"FRAME-RECEIVER-OID"},
}

// once leaves out findings that tell the fault of another finding: one fault is told
// once, by the rule that names the field. A finding of a lower severity does not
// stand for an error, so that the decision stays what it was.
func once(fs []finding.Finding, p catalogue.Profile) []finding.Finding {
	told := tellers(fs)
	if told == nil {
		return fs
	}
	out := make([]finding.Finding, 0, len(fs))
	for _, f := range fs {
		if !told.elsewhere(f, p) && !told.here(f, p) {
			out = append(out, f)
		}
	}
	return out
}

// place is where an element or attribute stands.
type place struct {
	source finding.Source
	xpath  string
}

// told are the findings that may stand for others.
type told struct {
	at  map[place][]finding.Finding
	all map[string]bool // rules
}

// tellers gives the findings that do not come from the schema, by their places; nil
// where there is nothing that may be told twice. Of the two kinds there may be a
// thousand, and places are long words: only those of the fewer are looked at twice.
func tellers(fs []finding.Finding) *told {
	var asked, tell int
	for _, f := range fs {
		if sameFault[f.Rule] != nil || toldBy[f.Rule] != nil {
			asked++
		}
		if !strings.HasPrefix(f.Rule, "XSD-") {
			tell++
		}
	}
	if asked == 0 {
		return nil
	}
	out := &told{map[place][]finding.Finding{}, make(map[string]bool, 8)}
	wanted := func(place) bool { return true }
	if asked < tell {
		at := askedAt(fs)
		wanted = func(p place) bool { return at[p] }
	}
	for _, f := range fs {
		out.all[f.Rule] = true
		if at := (place{f.Source, f.XPath}); !strings.HasPrefix(f.Rule, "XSD-") && wanted(at) {
			out.at[at] = append(out.at[at], f)
		}
	}
	return out
}

// askedAt gives the places of findings that may be told twice.
func askedAt(fs []finding.Finding) map[place]bool {
	at := make(map[place]bool)
	for _, f := range fs {
		if sameFault[f.Rule] != nil || toldBy[f.Rule] != nil {
			at[place{f.Source, f.XPath}], at[place{f.Source, elementOf(f.XPath)}] = true, true
		}
	}
	return at
}

// elementOf gives the path of an attribute's element.
func elementOf(xpath string) string {
	if i := strings.LastIndex(xpath, "/@"); i >= 0 {
		return xpath[:i]
	}
	return xpath
}

// elsewhere tells that another rule tells the fault of f, wherever.
func (t *told) elsewhere(f finding.Finding, p catalogue.Profile) bool {
	for _, id := range toldBy[f.Rule] {
		if t.all[id] && weight(id, p) >= weight(f.Rule, p) {
			return true
		}
	}
	return false
}

// here tells that a finding at the same place, or at the element of the attribute,
// is about the fault of f.
func (t *told) here(f finding.Finding, p catalogue.Profile) bool {
	ends := sameFault[f.Rule]
	if ends == nil || len(t.at) == 0 {
		return false
	}
	at, element := t.at[place{f.Source, f.XPath}], elementOf(f.XPath)
	if element != f.XPath {
		at = slices.Concat(at, t.at[place{f.Source, element}])
	}
	for _, other := range at {
		if weight(other.Rule, p) < weight(f.Rule, p) {
			continue
		}
		for _, end := range ends {
			if strings.HasSuffix(other.Rule, end) && other.Rule != f.Rule && (f.Rule != xsd.RuleElementMissing || sameElement(f, other)) {
				return true
			}
		}
	}
	return false
}

// sameElement tells that two findings about something that is missing from one
// element miss the same: the field's path, or the rule's own words, end in its name.
func sameElement(schema, other finding.Finding) bool {
	for _, name := range strings.Split(param(schema, "element"), " | ") {
		name = name[strings.IndexByte(name, ':')+1:]
		if field := param(other, "field"); field != "" {
			if strings.HasPrefix(field, name+"/") || strings.HasSuffix(field, "/"+name) || strings.Contains(field, "/"+name+"/") || field == name {
				return true
			}
			continue
		}
		if missingElements[other.Rule] == name || strings.HasSuffix(other.Rule, "-STRUCTURE") && param(other, "element") == name {
			return true
		}
	}
	return false
}

func param(f finding.Finding, name string) string {
	for _, p := range f.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

// missingElements are the elements that rules without a parameter "field" miss.
var missingElements = map[string]string{
	"FRAME-ID-MISSING": "id", "FRAME-CREATIONTIME-MISSING": "creationTime", "FRAME-INTERACTIONID-MISSING": "interactionId",
	"FRAME-PROCESSINGCODE-MISSING": "processingCode", "FRAME-PROCESSINGMODE-MISSING": "processingModeCode",
	"FRAME-ACCEPTACK-MISSING": "acceptAckCode", "FRAME-RECEIVER-MISSING": "receiver", "FRAME-SENDER-MISSING": "sender",
	"FRAME-CONTROLACT-MISSING": "controlActProcess", "FRAME-SERVICEREQUEST-MISSING": "reasonCode", "FRAME-USER-MISSING": "authorOrPerformer",
	"FRAME-SUBJECT-MISSING": "subject", "FRAME-DOCUMENT-MISSING": "clinicalDocument", "FRAME-QUERY-MISSING": "queryByParameter",
	"FRAME-DOCUMENT-ID-MISSING": "id", "FRAME-DOCUMENT-SETID-MISSING": "setId", "FRAME-DOCUMENT-VERSION-MISSING": "versionNumber",
	"FRAME-DOCUMENT-REGISTER-MISSING": "code", "FRAME-DOCUMENT-EFFECTIVETIME-MISSING": "effectiveTime",
	"FRAME-DOCUMENT-STATUS-MISSING": "statusCode", "FRAME-DOCUMENT-COMPLETION-MISSING": "completionCode",
	"FRAME-DOCUMENT-STORAGE-MISSING": "storageCode", "FRAME-DOCUMENT-CLIENT-MISSING": "recordTarget",
	"FRAME-DOCUMENT-CUSTODIAN-MISSING": "custodian", "FRAME-DOCUMENT-AUTHOR-MISSING": "author", "FRAME-TEXT-MISSING": "text",
	"BODY-MISSING": "nonXMLBody", "BODY-TEXT-MISSING": "text",
	"SIG-SIGNATURE-MISSING": "signature", "SIG-TYPE-MISSING": "signatureDescription", "SIG-TIME-MISSING": "signatureTimestamp",
	"SIG-XMLDSIG-MISSING": "Signature", "SIG-CERTIFICATE-MISSING": "X509Data", "SIG-LIST-SHORT": "Ref",
}
