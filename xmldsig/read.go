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
	// sound tells that the digest may be computed: nothing in it was refused.
	sound bool
}

// reader reads signatures under a policy and reports what it does not take.
type reader struct {
	*report
	lim    Limits
	legacy bool // SHA-1 is taken
}

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

// objects remarks on ds:Object elements, which nothing reads, and refuses others.
func (r *reader) objects(c xmltree.Node) {
	if c == xmltree.None {
		return
	}
	if r.t.Is(c, nsDSig, "Object") {
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
	m, rule := methodOf(uri, r.legacy)
	if rule != "" {
		r.add(rule, n, uri)
	}
	if c := r.t.FirstElement(n); c != xmltree.None {
		r.structure(c, "SignatureMethod")
	}
	s.method, s.methodNode = m, n
}

// c14nMethod reads CanonicalizationMethod or a Transform that canonicalizes.
func (r *reader) c14nMethod(n xmltree.Node) (Canonicalizer, bool) {
	uri := r.t.Attr(n, "Algorithm")
	if uri != AlgExcC14N {
		r.add(RuleC14NUnknown, n, uri)
		return Canonicalizer{}, false
	}
	return r.excC14N(n)
}

// excC14N reads the one parameter of exclusive canonicalization.
func (r *reader) excC14N(n xmltree.Node) (Canonicalizer, bool) {
	c := Canonicalizer{Algorithm: Exclusive10}
	child := r.t.FirstElement(n)
	if child == xmltree.None {
		return c, true
	}
	if !r.t.Is(child, nsExc, "InclusiveNamespaces") || r.t.NextElement(child) != xmltree.None {
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
	ref := dsigReference{node: n, valueNode: n}
	r.referenceURI(&ref)
	c := r.t.FirstElement(n)
	if r.t.Is(c, nsDSig, "Transforms") {
		r.transforms(&ref, c)
		c = r.t.NextElement(c)
	} else {
		r.add(RuleTransformMissing, n, "")
	}
	r.digestValue(&ref, c)
	ref.sound = r.faults == before
	return ref
}

// referenceURI takes "#id" only: nothing outside the document, no whole document
// (it would take in the signature and what stands beside it), no expressions.
func (r *reader) referenceURI(ref *dsigReference) {
	a, ok := r.t.LookupAttr(ref.node, "", "URI")
	if !ok {
		r.add(RuleReferenceAbsent, ref.node, "")
		return
	}
	ref.uri = r.t.AttrValue(a)
	id, local := strings.CutPrefix(ref.uri, "#")
	switch {
	case ref.uri == "":
		r.add(RuleReferenceWhole, ref.node, "")
	case !local:
		r.add(RuleReferenceExternal, ref.node, ref.uri)
	case id == "":
		r.add(RuleReferenceUnresolved, ref.node, ref.uri)
	case strings.HasPrefix(id, "xpointer("):
		r.add(RuleReferenceXPointer, ref.node, ref.uri)
	default:
		ref.id = id
	}
}

// transforms takes enveloped-signature (at most once, first) and one exclusive
// canonicalization at the end (interface 7.3, 7.5).
func (r *reader) transforms(ref *dsigReference, n xmltree.Node) {
	c := r.t.FirstElement(n)
	if count := r.count(c); count > r.lim.Transforms {
		r.add(RuleTransformTooMany, n, strconv.Itoa(count), finding.P("count", strconv.Itoa(count)), finding.P("limit", strconv.Itoa(r.lim.Transforms)))
		return
	}
	canonical := false
	for ; c != xmltree.None; c = r.t.NextElement(c) {
		if r.expect(c, n, "Transform") == xmltree.None {
			return
		}
		uri := r.t.Attr(c, "Algorithm")
		switch {
		case (uri == AlgEnveloped || uri == AlgExcC14N) && (canonical || uri == AlgEnveloped && ref.enveloped):
			r.add(RuleTransformOrder, c, uri)
		case uri == AlgEnveloped:
			ref.enveloped = true
		case uri == AlgExcC14N:
			ref.canon, _ = r.excC14N(c)
			canonical = true
		default:
			r.refuseTransform(c, uri)
			canonical = true // said enough
		}
	}
	if !canonical {
		r.add(RuleTransformMissing, n, "")
	}
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
