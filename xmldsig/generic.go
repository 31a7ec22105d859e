package xmldsig

import (
	"crypto"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// generic is the judgement of one XML document under the policy of that name.
type generic struct {
	judgement
	signatures []xmltree.Node
	ids        map[string]*target // what references name
	refs       int                // references of the signature being judged
}

// Generic judges an XML document that arrives now under the policy generic. See
// GenericAt.
func (v *Verifier) Generic(t *xmltree.Tree) *Verdict { return v.GenericAt(t, v.Now()) }

// GenericAt judges every ds:Signature of any XML document under the policy
// generic: XML Signature 1.1 with sound algorithms and references within the
// document. It takes RSA (PKCS #1 and PSS) and ECDSA (P-256, P-384, P-521) with
// SHA-2, all forms of canonicalization, the transforms enveloped-signature and
// base64, Objects, Manifests (whose references must match too), and keys in any
// form; it refuses the rest by name. It knows nothing of CDA: Covered has no body,
// and what a signature means is for the caller to say, who must read only what
// Covered contains.
//
// A certificate is judged by Trust at arrival; a key without one is trusted only
// if Keys has it. Whose key is not trusted is Intact but not Valid.
func (v *Verifier) GenericAt(t *xmltree.Tree, arrival time.Time) *Verdict {
	g := &generic{judgement: v.judgement(t, arrival, policyGeneric), ids: map[string]*target{}}
	g.run()
	return g.done()
}

func (g *generic) run() {
	g.find()
	if n := len(g.signatures); n == 0 {
		g.add(RuleSignatureMissing, g.t.Root(), "")
		return
	} else if n > g.lim.Signatures {
		g.add(RuleSignatureTooMany, g.t.Root(), strconv.Itoa(n), finding.P("count", strconv.Itoa(n)), finding.P("limit", strconv.Itoa(g.lim.Signatures)))
		return
	}
	g.resolveIDs()
	for _, n := range g.signatures {
		g.verdict.Signatures = append(g.verdict.Signatures, g.judge(n))
	}
	g.cover()
}

// find lists the signatures, and the ids that any reference of the document names.
func (g *generic) find() {
	for n := g.t.Root(); int(n) < g.t.Len(); n++ {
		switch {
		case g.t.Is(n, nsDSig, "Signature"):
			g.signatures = append(g.signatures, n)
		case g.t.Is(n, nsDSig, "Reference"):
			id, local := strings.CutPrefix(g.t.Attr(n, "URI"), "#")
			if _, named := xpointer(id); named != "" {
				id = named
			}
			if local && g.ids[id] == nil {
				g.ids[id] = &target{id: id, node: xmltree.None}
			}
		}
	}
}

// resolveIDs finds the elements with those ids. An id counts in whatever attribute
// it stands (ID, Id, id, in any namespace), so that no reader can take another
// element for it; it is found in ID, Id, id, xml:id and wsu:Id.
func (g *generic) resolveIDs() {
	for n := g.t.Root(); int(n) < g.t.Len(); n++ {
		if g.t.Kind(n) != xmltree.Element {
			continue
		}
		first, end := g.t.Attrs(n)
		for a := first; a < end; a++ {
			if !isIDName(g.t.AttrLocal(a)) {
				continue
			}
			if x := g.ids[g.t.AttrValue(a)]; x != nil {
				x.meet(n, g.isID(a))
			}
		}
	}
}

const nsWSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"

func (g *generic) isID(a xmltree.Attr) bool {
	local := g.t.AttrLocal(a)
	switch g.t.AttrSpace(a) {
	case "":
		return local != "iD"
	case xmltree.NamespaceXML:
		return local == "id"
	case nsWSU:
		return local == "Id"
	}
	return false
}

// judge reads and computes one signature.
func (g *generic) judge(n xmltree.Node) Signature {
	before := g.faults
	g.refs = 0
	d := g.signature(n)
	s := Signature{ID: strings.Clone(g.t.Attr(n, "Id")), Node: n, Method: d.uri}
	s.References = g.references(d)
	keys := keyFound{certificates: certificates{node: n}}
	if d.method.scheme != 0 {
		keys = g.keys(d)
	}
	s.Signer = keys.signer
	s.Key = g.value(d, keys.candidates...)
	s.Intact = g.faults == before && s.Key != nil && allMatch(s.References)
	g.trustKey(&s, keys)
	s.Valid = s.Intact && g.faults == before
	return s
}

// references digests the references of SignedInfo, then those of the manifests
// that they lead to.
func (g *generic) references(d *dsig) []Reference {
	var out []Reference
	for i := range d.refs {
		out = append(out, g.resolved(d.node, &d.refs[i], xmltree.None))
	}
	g.refs = len(out)
	for i := 0; i < len(out); i++ { // out grows
		if r := out[i]; r.Matches && !r.part.textOnly && g.t.Is(r.Target, nsDSig, "Manifest") && firstTo(out, i) {
			out = append(out, g.manifest(d.node, r.Target)...)
		}
	}
	return out
}

// firstTo tells whether no reference before the i-th has its target.
func firstTo(refs []Reference, i int) bool {
	return !slices.ContainsFunc(refs[:i], func(r Reference) bool { return r.Target == refs[i].Target })
}

// manifest digests the references of a manifest (XML Signature 5.1), which are as
// binding here as those of SignedInfo.
func (g *generic) manifest(signature, n xmltree.Node) []Reference {
	c := g.t.FirstElement(n)
	count := g.count(c)
	if g.refs += count; g.refs > g.lim.References {
		g.add(RuleReferenceTooMany, n, strconv.Itoa(g.refs), finding.P("count", strconv.Itoa(g.refs)), finding.P("limit", strconv.Itoa(g.lim.References)))
		return nil
	}
	if count == 0 {
		g.structure(n, "Reference")
	}
	out := make([]Reference, 0, count)
	for ; c != xmltree.None; c = g.t.NextElement(c) {
		if g.expect(c, n, "Reference") == xmltree.None {
			return out
		}
		ref := g.reference(c)
		out = append(out, g.resolved(signature, &ref, n))
	}
	return out
}

// resolved finds a reference's target and digests it.
func (g *generic) resolved(signature xmltree.Node, ref *dsigReference, manifest xmltree.Node) Reference {
	out := Reference{Node: ref.node, URI: ref.uri, Target: xmltree.None, Manifest: manifest}
	if ref.whole {
		out.Target = xmltree.Doc
	} else if ref.id != "" {
		out.Target = g.resolveID(ref)
	}
	if out.Target == xmltree.None || !ref.sound {
		return out
	}
	if n := out.Target; ref.enveloped && n >= signature && n < g.t.End(signature) {
		g.add(RuleReferenceEmpty, ref.node, ref.uri)
		return out
	}
	g.match(signature, ref, &out)
	return out
}

func (g *generic) resolveID(ref *dsigReference) xmltree.Node {
	x := g.ids[ref.id]
	switch {
	case x == nil || x.count == 0 || x.count == 1 && !x.exact:
		g.add(RuleReferenceUnresolved, ref.node, ref.uri)
	case x.count > 1:
		g.add(RuleReferenceAmbiguous, ref.node, ref.uri, finding.P("count", strconv.Itoa(x.count)))
	default:
		return x.node
	}
	return xmltree.None
}

// digestText digests what the target's text decodes to (XML Signature 6.6.2).
func (j *judgement) digestText(ref *dsigReference, p part) ([]byte, bool) {
	if !j.mayDigest(p.node) {
		return nil, false
	}
	h := ref.hash.New()
	if err := decodeText(h, j.t, p); err != nil {
		j.add(RuleReferenceBase64, ref.node, ref.uri)
		return nil, false
	}
	return h.Sum(nil), true
}

// decodeText writes to h what the base64 of a part's texts decodes to, leaving out
// white space and nothing else.
func decodeText(h interface{ Write([]byte) (int, error) }, t *xmltree.Tree, p part) error {
	var packed []byte
	for n := p.node; n < t.End(p.node); n++ {
		if n == p.except {
			n = t.End(n) - 1
			continue
		}
		if k := t.Kind(n); k != xmltree.Text && k != xmltree.CData {
			continue
		}
		for _, c := range t.Value(n) {
			if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
				packed = append(packed, c)
			}
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	n, err := base64.StdEncoding.Strict().Decode(out, packed)
	if err != nil {
		return err
	}
	_, err = h.Write(out[:n])
	return err
}

// cover works out what the valid signatures cover; one fault, and nothing counts.
func (g *generic) cover() {
	if g.faults > 0 {
		return
	}
	c := &g.verdict.Covered
	c.t, c.body = g.t, xmltree.None
	for i := range g.verdict.Signatures {
		if !g.verdict.Signatures[i].Valid {
			*c = Covered{}
			return
		}
		for _, ref := range g.verdict.Signatures[i].References {
			c.add(ref.part)
		}
	}
	slices.Sort(c.elements)
}

// trustKey asks whether the key is trusted: by itself, or by its certificate.
func (g *generic) trustKey(s *Signature, found keyFound) {
	switch {
	case s.Key == nil && found.signer == nil:
	case slices.ContainsFunc(g.Keys, func(k crypto.PublicKey) bool { return sameKey(k, s.Key) }):
	case found.signer == nil:
		g.add(RuleKeyUntrusted, found.node, "")
	case g.Trust == nil:
		g.add(RuleTrustMissing, found.node, "")
	default:
		g.keyUsage(found)
		answer := g.Trust.Judge(TrustQuery{Certificate: found.signer, Intermediates: found.others, Time: g.arrival, Arrival: g.arrival})
		s.Chain = answer.Chain
		g.trust(answer.Faults, found.node)
	}
}
