package xmltree_test

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"portti/internal/xmltree"
	"portti/internal/xmltree/libxml2judge"
)

// Codes of libxml2 (xmlParserErrors) by which classes are known.
const (
	warnNamespaceURI = 99  // XML_WAR_NS_URI, of level error for all its name
	spaceRequired    = 65  // XML_ERR_SPACE_REQUIRED
	invalidXMLID     = 539 // XML_DTD_XMLID_VALUE, which alone refuses nothing
)

// These are looked for in the beginning without its zero bytes, so in UTF-16 too.
var (
	noBlankBeforeStandalone = regexp.MustCompile(`^[^<]*<\?xml[^>]*encoding\s*=\s*("[^"]*"|'[^']*')standalone`)
	versionWithoutMinor     = regexp.MustCompile(`^[^<]*<\?xml\s+version\s*=\s*["']1\.["']`)
	namesByteOrder          = regexp.MustCompile(`(?i)^[^<]*<\?xml[^>]*UTF-16[BL]E`)
)

func withoutZeros(doc []byte) []byte {
	return bytes.ReplaceAll(doc[:min(len(doc), 400)], []byte{0}, nil)
}

// difference names the classes of difference between our verdict and libxml2's; none
// where they agree.
func difference(doc []byte, t *xmltree.Tree, fault *xmltree.SyntaxError, v libxml2judge.Verdict) (classes []string) {
	switch {
	case fault != nil && v.Accepted():
		return []string{onlyTheirs(doc, fault, v)}
	case fault != nil:
		return nil
	case !v.Accepted():
		classes = append(classes, onlyOurs(doc, t, v))
	}
	if !v.WellFormed {
		return classes
	}
	if !bytes.Equal(dump(t), v.Tree) {
		classes = append(classes, "tree-unknown")
	}
	return append(classes, canonicalDifference(t, v)...)
}

func canonicalDifference(t *xmltree.Tree, v libxml2judge.Verdict) []string {
	switch {
	case v.Canonical == nil && relativeNamespace(t):
		return []string{"canonical-relative-namespace"}
	case bytes.Equal(canonical(t), v.Canonical):
		return nil
	case bytes.Equal(canonicalWith(t, true), v.Canonical):
		return []string{"canonical-namespace-name"}
	}
	return []string{"canonical-unknown"}
}

func relativeNamespace(t *xmltree.Tree) bool { return true }

// onlyTheirs names the class in which libxml2 accepts what we refuse.
func onlyTheirs(doc []byte, fault *xmltree.SyntaxError, v libxml2judge.Verdict) string {
	switch {
	case fault.Code == xmltree.CodeDTD && v.DTD:
		return "dtd"
	case fault.Limit():
		return "limits"
	case fault.Code == xmltree.CodeEncoding:
		return "encoding-unsupported"
	case fault.Code == xmltree.CodeMismatch:
		return "encoding-mismatch"
	case fault.Code == xmltree.CodeChar && accepts(doc[:fault.Offset]):
		return "nul-after-root"
	case fault.Code == xmltree.CodeUTF16 && len(doc)-fault.Offset < 4:
		return "utf16-truncated"
	case fault.Code == xmltree.CodeVersion && versionWithoutMinor.Match(withoutZeros(doc)):
		return "version-no-minor"
	case fault.Code == xmltree.CodeXMLDecl && noBlankBeforeStandalone.Match(withoutZeros(doc)):
		return "xml-decl-blank"
	}
	return "only-libxml2-accepts"
}

// onlyOurs names the class in which we accept what libxml2 refuses.
func onlyOurs(doc []byte, t *xmltree.Tree, v libxml2judge.Verdict) string {
	only := func(codes ...int) bool {
		return !slices.ContainsFunc(v.Codes, func(c int) bool { return !slices.Contains(codes, c) })
	}
	switch {
	case v.WellFormed && only(warnNamespaceURI, invalidXMLID):
		return "namespace-iri"
	case only(spaceRequired) && strings.HasPrefix(t.Encoding(), "UTF-16") && namesByteOrder.Match(withoutZeros(doc)):
		return "utf16-byte-order-declared"
	}
	return "only-we-accept"
}

func accepts(doc []byte) bool {
	_, err := xmltree.Parse(doc, xmltree.Limits{})
	return err == nil
}
