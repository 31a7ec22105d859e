package pipeline

import (
	"strings"

	"portti/cda/rules/catalogue"
	"portti/cda/xsd"
	"portti/internal/finding"
)

// sameFault tells by which ends of rule ids another stage tells the fault that a
// rule of the schema tells at the same place. The schema speaks of elements and
// values, the others of the field that they are: the field's finding stays.
var sameFault = map[string][]string{
	xsd.RuleElementMissing:   {"-MISSING"},
	xsd.RuleElementRepeated:  {"-REPEATED"},
	xsd.RuleAttributeMissing: {"-EMPTY", "-MISSING"},
	xsd.RuleValueOID:         {"-OID"},
	xsd.RuleValueTime:        {"-SYNTAX"},
	xsd.RuleValueCode:        {"-UNKNOWN", "-UNLISTED"},
	xsd.RuleValueEnum:        {"-UNKNOWN", "-UNLISTED", "-ROOT", "-VALUE"},
	xsd.RuleValueEmpty:       {"-EMPTY"},
	xsd.RuleValuePattern:     {"-SYNTAX", "-OID", "-UNKNOWN"},
	xsd.RuleValueType:        {"-SYNTAX", "-UNKNOWN"},
	xsd.RuleFixed:            {"-VALUE", "-ROOT"},
}

// once leaves out findings of the schema that tell the fault of another finding:
// one fault is told once, by the rule that names the field. A finding of a lower
// severity does not stand for an error, so that the decision stays what it was.
func once(fs []finding.Finding, p catalogue.Profile) []finding.Finding {
	told := tellers(fs)
	if told == nil {
		return fs
	}
	out := make([]finding.Finding, 0, len(fs))
	for _, f := range fs {
		if ends := sameFault[f.Rule]; ends == nil || !told.tell(f, ends, p) {
			out = append(out, f)
		}
	}
	return out
}

// placed are findings of rules that name fields, by place.
type placed map[finding.Place][]finding.Finding

// tellers gives the findings at the places of the schema's findings; nil where the
// schema found nothing.
func tellers(fs []finding.Finding) placed {
	var out placed
	for _, f := range fs {
		if sameFault[f.Rule] != nil {
			if out == nil {
				out = placed{}
			}
			out[f.Place] = nil
		}
	}
	if out == nil {
		return nil
	}
	for _, f := range fs {
		if _, wanted := out[f.Place]; wanted && !strings.HasPrefix(f.Rule, "XSD-") {
			out[f.Place] = append(out[f.Place], f)
		}
	}
	return out
}

// tell tells that another finding is about the fault of f.
func (told placed) tell(f finding.Finding, ends []string, p catalogue.Profile) bool {
	for _, other := range told[f.Place] {
		if weight(other.Rule, p) < weight(f.Rule, p) {
			continue
		}
		for _, end := range ends {
			if strings.HasSuffix(other.Rule, end) && (f.Rule != xsd.RuleElementMissing || sameElement(f, other)) {
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
		if missingElements[other.Rule] == name {
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
	"SIG-XMLDSIG-MISSING": "Signature",
}
