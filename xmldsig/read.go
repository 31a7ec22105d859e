package xmldsig

import (
	"crypto"
	"encoding/base64"
	"strconv"
	"strings"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// dsig is one ds:Signature as read, before anything is computed.
type dsig struct {
	node, info, value, keyInfo xmltree.Node
	canon                      Canonicalizer
	methodNode                 xmltree.Node
	method                     method
	uri                        string // the method's name
	refs                       []dsigReference
	// sound tells that SignedInfo may be verified: its structure and its
	// algorithms were taken.
	sound bool
}

// dsigReference is one ds:Reference as read.
type dsigReference struct {
	node      xmltree.Node
	uri       string
	id        string // of a same-document reference
	canon     Canonicalizer
	enveloped bool
	hash      crypto.Hash
	want      []byte
	valueNode xmltree.Node
	// The policy generic only.
	whole    bool // the whole document
	comments bool // the reference keeps comments: it is an XPointer
	base64   bool // what is digested is what the text decodes to
	// sound tells that the digest may be computed: nothing in it was refused.
	sound bool
}

// reader reads signatures under a policy and reports what it does not take.
type reader struct {
	*report
	lim    Limits
	legacy bool // SHA-1 is taken
	policy policy
}

// policy is what a reader takes.
type policy uint8

const (
	policyKanta policy = iota
	policyGeneric
)

// structure reports that the element at n breaks the schema of XML Signature.
func (r *reader) structure(n xmltree.Node, want string) {
	r.add(RuleXMLDSigStructure, n, "", finding.P("element", want))
}

// expect gives n if it is ds:local, else reports at n (or at parent) and gives None.
func (r *reader) expect(n, parent xmltree.Node, local string) xmltree.Node {
	if r.t.Is(n, nsDSig, local) {
		return n
	}
	if n == xmltree.None {
		n = parent
	}
	r.structure(n, local)
	return xmltree.None
}

// signature reads a ds:Signature: SignedInfo, SignatureValue, KeyInfo?, Object*
// (XML Signature 4).
func (r *reader) signature(n xmltree.Node) *dsig {
	before := r.faults
	s := &dsig{node: n, info: xmltree.None, value: xmltree.None, keyInfo: xmltree.None}
	c := r.t.FirstElement(n)
	if s.info = r.expect(c, n, "SignedInfo"); s.info == xmltree.None {
		return s
	}
	c = r.t.NextElement(c)
	if s.value = r.expect(c, n, "SignatureValue"); s.value == xmltree.None {
		return s
	}
	c = r.t.NextElement(c)
	if r.t.Is(c, nsDSig, "KeyInfo") {
		s.keyInfo = c
		c = r.t.NextElement(c)
	}
	r.objects(c)
	r.signedInfo(s)
	s.sound = r.faults == before
	return s
}

// objects remarks on ds:Object elements, which nothing reads under kanta, and
// refuses others.
func (r *reader) objects(c xmltree.Node) {
	if c == xmltree.None {
		return
	}
	if r.policy == policyKanta && r.t.Is(c, nsDSig, "Object") {
		r.add(RuleObjectPresent, c, "")
	}
	for ; c != xmltree.None; c = r.t.NextElement(c) {
		if !r.t.Is(c, nsDSig, "Object") {
			r.structure(c, "Object")
			return
		}
	}
}

func (r *reader) signedInfo(s *dsig) {
	c := r.expect(r.t.FirstElement(s.info), s.info, "CanonicalizationMethod")
	if c == xmltree.None {
		return
	}
	s.canon, _ = r.c14nMethod(c)
	c = r.expect(r.t.NextElement(c), s.info, "SignatureMethod")
	if c == xmltree.None {
		return
	}
	r.signatureMethod(s, c)
	c = r.t.NextElement(c)
	if r.expect(c, s.info, "Reference") == xmltree.None {
		return
	}
	if n := r.count(c); n > r.lim.References {
		r.add(RuleReferenceTooMany, s.info, strconv.Itoa(n), finding.P("count", strconv.Itoa(n)), finding.P("limit", strconv.Itoa(r.lim.References)))
		return
	}
	for ; c != xmltree.None; c = r.t.NextElement(c) {
		if r.expect(c, s.info, "Reference") == xmltree.None {
			return
		}
		s.refs = append(s.refs, r.reference(c))
	}
}

// count counts n and its following sibling elements.
func (r *reader) count(n xmltree.Node) int {
	i := 0
	for ; n != xmltree.None; n = r.t.NextElement(n) {
		i++
	}
	return i
}

func (r *reader) signatureMethod(s *dsig, n xmltree.Node) {
	uri := r.t.Attr(n, "Algorithm")
	s.methodNode, s.uri = n, strings.Clone(uri)
	if uri == algRSAPSS && r.policy == policyGeneric {
		s.method = r.pssMethod(n)
		return
	}
	m, rule := methodOf(uri, r.legacy)
	if rule != "" {
		r.add(rule, n, uri)
	}
	if c := r.t.FirstElement(n); c != xmltree.None {
		r.structure(c, "SignatureMethod")
	}
	s.method = m
}

// c14nMethod reads CanonicalizationMethod or a Transform that canonicalizes.
func (r *reader) c14nMethod(n xmltree.Node) (Canonicalizer, bool) {
	uri := r.t.Attr(n, "Algorithm")
	c, ok := r.canonical(uri)
	if !ok {
		r.add(RuleC14NUnknown, n, uri)
		return Canonicalizer{}, false
	}
	return r.c14nParameters(c, n)
}

// canonical gives the canonicalization that the policy takes under that name.
func (r *reader) canonical(uri string) (Canonicalizer, bool) {
	if uri == AlgExcC14N {
		return Canonicalizer{Algorithm: Exclusive10}, true
	}
	if r.policy == policyKanta {
		return Canonicalizer{}, false
	}
	c, ok := canonicalizers[uri]
	return c, ok
}

// c14nParameters reads the one parameter of exclusive canonicalization.
func (r *reader) c14nParameters(c Canonicalizer, n xmltree.Node) (Canonicalizer, bool) {
	child := r.t.FirstElement(n)
	if child == xmltree.None {
		return c, true
	}
	if c.Algorithm != Exclusive10 || !r.t.Is(child, nsExc, "InclusiveNamespaces") || r.t.NextElement(child) != xmltree.None {
		r.structure(child, "InclusiveNamespaces")
		return c, false
	}
	list := r.t.Attr(child, "PrefixList")
	if words := 1 + strings.Count(list, " "); words > r.lim.Prefixes || len(list) > 64*r.lim.Prefixes {
		r.add(RuleC14NPrefixes, child, "", finding.P("limit", strconv.Itoa(r.lim.Prefixes)))
		return c, false
	}
	c.Prefixes = strings.Fields(list)
	return c, true
}

// reference reads a ds:Reference: Transforms?, DigestMethod, DigestValue.
func (r *reader) reference(n xmltree.Node) dsigReference {
	before := r.faults
	ref := dsigReference{node: n, valueNode: n, canon: Canonicalizer{Algorithm: Inclusive10}}
	r.referenceURI(&ref)
	c := r.t.FirstElement(n)
	if r.t.Is(c, nsDSig, "Transforms") {
		r.transforms(&ref, c)
		c = r.t.NextElement(c)
	} else if r.policy == policyKanta {
		r.add(RuleTransformMissing, n, "")
	}
	r.digestValue(&ref, c)
	ref.sound = r.faults == before
	return ref
}

// referenceURI takes "#id" only: nothing outside the document, no whole document
// (it would take in the signature and what stands beside it), no expressions.
// The policy generic takes the whole document and the two XPointers that XML
// Signature 1.1 (4.4.3.3) recommends as well.
func (r *reader) referenceURI(ref *dsigReference) {
	a, ok := r.t.LookupAttr(ref.node, "", "URI")
	if !ok {
		r.add(RuleReferenceAbsent, ref.node, "")
		return
	}
	ref.uri = r.t.AttrValue(a)
	id, local := strings.CutPrefix(ref.uri, "#")
	generic := r.policy == policyGeneric
	switch {
	case ref.uri == "" && generic:
		ref.whole = true
	case ref.uri == "":
		r.add(RuleReferenceWhole, ref.node, "")
	case !local:
		r.add(RuleReferenceExternal, ref.node, ref.uri)
	case id == "":
		r.add(RuleReferenceUnresolved, ref.node, ref.uri)
	case strings.HasPrefix(id, "xpointer("):
		if ref.whole, ref.id = xpointer(id); generic && (ref.whole || ref.id != "") {
			ref.comments = true
			return
		}
		ref.whole, ref.id = false, ""
		r.add(RuleReferenceXPointer, ref.node, ref.uri)
	default:
		ref.id = id
	}
}

// xpointer reads the two XPointers "xpointer(/)" and "xpointer(id('x'))".
func xpointer(s string) (whole bool, id string) {
	if s == "xpointer(/)" {
		return true, ""
	}
	for _, quote := range []string{"'", `"`} {
		if in, ok := strings.CutPrefix(s, "xpointer(id("+quote); ok {
			if id, ok := strings.CutSuffix(in, quote+"))"); ok && id != "" && !strings.Contains(id, quote) {
				return false, id
			}
		}
	}
	return false, ""
}

// transforms takes enveloped-signature (at most once, first) and one exclusive
// canonicalization at the end (interface 7.3, 7.5). The policy generic takes the
// other canonicalizations too, base64 in their place, and none at all.
func (r *reader) transforms(ref *dsigReference, n xmltree.Node) {
	c := r.t.FirstElement(n)
	if count := r.count(c); count > r.lim.Transforms {
		r.add(RuleTransformTooMany, n, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)), finding.P("limit", strconv.Itoa(r.lim.Transforms)))
		return
	}
	octets := false
	for ; c != xmltree.None; c = r.t.NextElement(c) {
		if r.expect(c, n, "Transform") == xmltree.None {
			return
		}
		octets = r.transform(ref, c, octets)
	}
	if !octets && r.policy == policyKanta {
		r.add(RuleTransformMissing, n, "")
	}
}

// transform reads one transform. octets tells, before and after, whether what
// goes on is octets: XML Signature would have them parsed again, we do not.
func (r *reader) transform(ref *dsigReference, n xmltree.Node, octets bool) bool {
	uri := r.t.Attr(n, "Algorithm")
	canon, canonical := r.canonical(uri)
	base64 := uri == algBase64 && r.policy == policyGeneric
	switch {
	case (uri == AlgEnveloped || canonical || base64) && octets, uri == AlgEnveloped && ref.enveloped:
		r.add(RuleTransformOrder, n, uri)
	case uri == AlgEnveloped:
		ref.enveloped = true
	case canonical:
		ref.canon, _ = r.c14nParameters(canon, n)
		return true
	case base64:
		ref.base64 = true
		return true
	default:
		r.refuseTransform(n, uri)
		return true // said enough
	}
	return octets
}

func (r *reader) refuseTransform(n xmltree.Node, uri string) {
	rule := refusedTransforms[uri]
	if rule == "" {
		rule = RuleTransformUnknown
	}
	r.add(rule, n, uri)
}

func (r *reader) digestValue(ref *dsigReference, c xmltree.Node) {
	if r.expect(c, ref.node, "DigestMethod") == xmltree.None {
		return
	}
	uri := r.t.Attr(c, "Algorithm")
	hash, rule := digestOf(uri, r.legacy)
	if rule != "" {
		r.add(rule, c, uri)
	}
	ref.hash = hash
	c = r.t.NextElement(c)
	if r.expect(c, ref.node, "DigestValue") == xmltree.None {
		return
	}
	ref.valueNode = c
	want, ok := decodeBase64(r.t.TextBytes(c), 128)
	if !ok || rule == "" && len(want) != hash.Size() {
		r.add(RuleDigestFormat, c, r.t.Text(c))
		return
	}
	ref.want = want
	if extra := r.t.NextElement(c); extra != xmltree.None {
		r.structure(extra, "Reference")
	}
}

// decodeBase64 decodes base64 with the white space of xs:base64Binary and nothing
// else between, padded and with zero spare bits (the standard decoder alone would
// take other spellings of the same octets). limit bounds the outcome in bytes.
func decodeBase64(s []byte, limit int) ([]byte, bool) {
	packed := make([]byte, 0, min(len(s), base64.StdEncoding.EncodedLen(limit)))
	for _, c := range s {
		switch c {
		case ' ', '\t', '\n', '\r':
			continue
		}
		if len(packed) == cap(packed) {
			return nil, false
		}
		packed = append(packed, c)
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(out, packed)
	if err != nil || n > limit || n == 0 {
		return nil, false
	}
	return out[:n], true
}
