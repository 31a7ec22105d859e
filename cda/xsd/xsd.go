// Package xsd holds our own XML Schemas of the messages and documents that the
// gateway takes and gives, and judges parsed trees by them.
//
//	findings, err := xsd.Document("strict").Validate(tree, tree.Root())
//
// The schemas (folder schemas, embedded) are XSD 1.0, written from the facts that
// their comments name. A test compares them with the Finnish CDA R2 schema: what the
// strict document schema takes, that one takes too once the parts of urn:hl7finland
// are out. They ask for structure: order, names, forms of values, and the
// cardinalities of the standard. What a document group must carry beyond that is
// data of the rules.
//
// Each schema is compiled once, on first use (about 10 ms); Compile does it for all
// of them. A *Schema is immutable and safe for concurrent use.
package xsd

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/internal/xmltree/schema"
)

//go:embed schemas/*.xsd
var embedded embed.FS

// Files gives the schema files, in one folder.
func Files() fs.FS {
	sub, err := fs.Sub(embedded, "schemas")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return sub
}

// The namespaces of the schemas.
const (
	SpaceV3     = "urn:hl7-org:v3"
	SpaceFI     = "urn:hl7finland"
	SpaceDS     = "http://www.w3.org/2000/09/xmldsig#"
	SpaceSOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
	SpaceSOAP12 = "http://www.w3.org/2003/05/soap-envelope"
)

// The profiles. Any other name is taken as Strict.
const (
	Strict  = "strict"
	Lenient = "lenient"
)

// engine compiles one schema file on first use.
type engine = func() (*schema.Schema, error)

func compiled(main string) engine {
	return sync.OnceValues(func() (*schema.Schema, error) { return schema.Compile(Files(), main) })
}

var engines = map[string]engine{
	"document-strict.xsd":  compiled("document-strict.xsd"),
	"document-lenient.xsd": compiled("document-lenient.xsd"),
	"message-strict.xsd":   compiled("message-strict.xsd"),
	"message-lenient.xsd":  compiled("message-lenient.xsd"),
	"soap11.xsd":           compiled("soap11.xsd"),
	"soap12.xsd":           compiled("soap12.xsd"),
}

// Compile compiles all schemas, so that a program that starts tells at once if it
// cannot, and the first message need not wait.
func Compile() error {
	for name, e := range engines {
		if _, err := e(); err != nil {
			return fmt.Errorf("xsd: %s: %w", name, err)
		}
	}
	return nil
}

// Schema judges one kind of document.
type Schema struct {
	engine engine
	source finding.Source
	o      schema.Options
}

// Document judges CDA documents. Strict: social-welfare documents in the order seen
// (kanta-interface 5, 6). Lenient: localSocialHeader in any order, and health
// documents, whose structured body is not looked into.
func Document(profile string) *Schema {
	s := &Schema{engine: engines["document-"+known(profile)+".xsd"], source: finding.SourceDocument}
	s.o = schema.Options{
		Roots:  names(SpaceV3, "ClinicalDocument"),
		Opaque: names(SpaceV3, "structuredBody"),
		IDs:    []string{"ID", "Id"},
		// Narrative blocks refer to footnotes and media so.
		IDRefs: []string{"IDREF", "referencedObject"},
	}
	return s
}

// Frame judges transfer frames (siirtokehys, kanta-interface 3): RCMR_IN200002FI01
// and …16FI01, and in Lenient the health frames RCMR_IN100002FI01 and …16FI01. The
// package in text is not looked into.
func Frame(profile string) *Schema {
	roots := []string{"RCMR_IN200002FI01", "RCMR_IN200016FI01"}
	if known(profile) == Lenient {
		roots = append(roots, "RCMR_IN100002FI01", "RCMR_IN100016FI01")
	}
	return message(profile, roots...)
}

// Acknowledgement judges accept acknowledgements (kanta-interface 8), with typeCode
// as an attribute or as a child.
func Acknowledgement(profile string) *Schema { return message(profile, "MCCI_IN000002UV01") }

// Query judges queries and their continuation in the generic form of
// kanta-interface 9.
func Query(profile string) *Schema {
	return message(profile, "RCMR_IN200029FI01", "RCMR_IN200031FI01", "QUQI_IN000003UV01")
}

// Continuation judges the continuation of a query alone.
func Continuation(profile string) *Schema { return message(profile, "QUQI_IN000003UV01") }

// Response judges answers to queries in the generic form of kanta-interface 9.
func Response(profile string) *Schema {
	return message(profile, "RCMR_IN200030FI01", "RCMR_IN200032FI01")
}

// Envelope judges SOAP envelopes of version "1.1" or "1.2" (any other is taken as
// 1.2). What stands in Header and Body is not looked into: validate it by its own
// schema, with its element as root.
func Envelope(version string) *Schema {
	file, space := "soap12.xsd", SpaceSOAP12
	if version == "1.1" {
		file, space = "soap11.xsd", SpaceSOAP11
	}
	return &Schema{engine: engines[file], source: finding.SourceRequest, o: schema.Options{
		Roots: names(space, "Envelope"), Opaque: names(space, "Header", "Body"),
	}}
}

func message(profile string, roots ...string) *Schema {
	return &Schema{engine: engines["message-"+known(profile)+".xsd"], source: finding.SourceFrame, o: schema.Options{
		Roots: names(SpaceV3, roots...),
		As:    schema.Name{Space: SpaceV3, Local: roots[0]},
	}}
}

// WithRoots gives a schema that also takes messages of the given root elements (of
// the HL7 namespace), judged as the first of its own kind: the names of most Finnish
// interactions are not public, so they are configured (kanta-interface 2.1).
func (s *Schema) WithRoots(locals ...string) *Schema {
	c := *s
	c.o.Roots = append(slices.Clone(s.o.Roots), names(SpaceV3, locals...)...)
	return &c
}

// Roots gives the local names of the root elements taken.
func (s *Schema) Roots() []string {
	var all []string
	for _, r := range s.o.Roots {
		all = append(all, r.Local)
	}
	return all
}

// Validate judges the subtree of root, which must be an element, in time linear in
// its size. The findings are in document order, at most finding.Limit. An error is
// our own failure and tells nothing of the document.
func (s *Schema) Validate(t *xmltree.Tree, root xmltree.Node) ([]finding.Finding, error) {
	e, err := s.engine()
	if err != nil {
		return nil, fmt.Errorf("xsd: %w", err)
	}
	faults, err := e.Validate(t, root, s.o)
	if err != nil {
		return nil, fmt.Errorf("xsd: %w", err)
	}
	if len(faults) == 0 {
		return nil, nil
	}
	findings := make([]finding.Finding, 0, len(faults))
	j := joiner{params: make([]finding.Param, mostParams*len(faults))}
	for _, f := range faults {
		findings = append(findings, s.finding(t, f, &j))
	}
	return findings, nil
}

func known(profile string) string {
	if profile == Lenient {
		return Lenient
	}
	return Strict
}

func names(space string, locals ...string) []schema.Name {
	all := make([]schema.Name, 0, len(locals))
	for _, l := range locals {
		all = append(all, schema.Name{Space: space, Local: l})
	}
	return all
}
