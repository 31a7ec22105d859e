package xmldsig

import (
	"bytes"
	"crypto"
	"slices"
	"strconv"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// references resolves and digests the references of one signature and holds them
// against what a signature of its type must cover.
func (k *kanta) references(it *item) []Reference {
	out := make([]Reference, 0, len(it.dsig.refs))
	for i := range it.dsig.refs {
		ref := &it.dsig.refs[i]
		res := Reference{Node: ref.node, URI: ref.uri, Target: xmltree.None}
		if ref.id != "" {
			res.Target = k.resolveTarget(it, ref)
		}
		if res.Target != xmltree.None && slices.ContainsFunc(out, func(o Reference) bool { return o.Target == res.Target }) {
			k.add(RuleReferenceRepeated, ref.node, ref.uri)
		}
		if res.Target != xmltree.None && ref.sound {
			res.Matches = k.matches(it.dsig, ref, res.Target)
		}
		out = append(out, res)
	}
	k.mustCover(it, out)
	return out
}

// resolveTarget gives the one element with the reference's id, provided that it
// is one that this signature may cover and stands where the application reads it.
func (k *kanta) resolveTarget(it *item, ref *dsigReference) xmltree.Node {
	i := slices.IndexFunc(k.targets, func(x target) bool { return x.id == ref.id })
	x := k.targets[i]
	switch {
	case x.count > 1:
		k.add(RuleReferenceAmbiguous, ref.node, ref.uri, finding.P("count", strconv.Itoa(x.count)))
	case x.count == 0 || !x.exact:
		k.add(RuleReferenceUnresolved, ref.node, ref.uri)
	case k.layout.body == xmltree.None && isBody(k.t, x.node):
		// Where the body stands was reported.
	case x.node != k.layout.body && x.node != it.timestamp && x.node != it.list:
		k.add(RuleReferenceTarget, ref.node, ref.uri, finding.P("element", k.t.Local(x.node)))
	default:
		return x.node
	}
	return xmltree.None
}

// isBody tells whether n is named like a body.
func isBody(t *xmltree.Tree, n xmltree.Node) bool {
	return t.Is(n, nsHL7, "nonXMLBody") || t.Is(n, nsHL7, "structuredBody")
}

// mustCover reports what a signature of this type leaves out: the body (or the
// list of documents) and its own time (interface 7.3, 7.4).
func (k *kanta) mustCover(it *item, refs []Reference) {
	covers := func(n xmltree.Node) bool {
		return n == xmltree.None || slices.ContainsFunc(refs, func(r Reference) bool { return r.Target == n })
	}
	unresolved := slices.ContainsFunc(refs, func(r Reference) bool { return r.Target == xmltree.None })
	if len(it.dsig.refs) == 0 || unresolved {
		return // that was said, and more would only repeat it
	}
	if !covers(it.timestamp) {
		k.add(RuleReferenceTimeMissing, it.dsig.info, "")
	}
	if it.typ == TypeMulti {
		if !covers(it.list) {
			k.add(RuleReferenceListMissing, it.dsig.info, "")
		}
	} else if !covers(k.layout.body) {
		k.add(RuleReferenceBodyMissing, it.dsig.info, "")
	}
}

// matches digests the target and reports a difference at the DigestValue.
func (k *kanta) matches(s *dsig, ref *dsigReference, n xmltree.Node) bool {
	exclude := xmltree.None
	if ref.enveloped && n < s.node && s.node < k.t.End(n) {
		exclude = s.node
	}
	got, ok := k.digest(n, ref.canon, ref.hash, exclude)
	if !ok {
		return false
	}
	if !bytes.Equal(got, ref.want) {
		k.add(RuleDigestMismatch, ref.valueNode, ref.uri, finding.P("element", k.t.Local(n)), finding.P("uri", ref.uri))
		return false
	}
	return true
}

// ownHash holds the document's own entry in a multi-document list against the
// body, with the digest of the body in exclusive form (interface 7.4).
func (k *kanta) ownHash(it *item) {
	if it.list == xmltree.None || k.layout.body == xmltree.None || it.docs == nil || it.ownFaulty {
		return
	}
	i := slices.IndexFunc(it.docs, func(d DocumentHash) bool { return d.Own })
	if i < 0 {
		k.add(RuleListOwnMissing, it.list, k.layout.ownID, finding.P("oid", k.layout.ownID))
		return
	}
	own := it.docs[i]
	h, _ := k.listHash(len(own.Hash))
	got, ok := k.digest(k.layout.body, Canonicalizer{}, h, xmltree.None)
	if ok && !bytes.Equal(got, own.Hash) {
		k.add(RuleListOwnHash, own.Node, own.OID)
	}
}

// listHash tells the algorithm of a hash in a list, which carries no name, by its
// length (interface 17, no. 15).
func (k *kanta) listHash(size int) (crypto.Hash, bool) {
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if h.Size() == size {
			return h, true
		}
	}
	return crypto.SHA1, k.legacy && size == crypto.SHA1.Size()
}

// digestKey names a digest that was computed.
type digestKey struct {
	node, exclude xmltree.Node
	hash          crypto.Hash
	prefixes      []string
}

func (a digestKey) equal(b digestKey) bool {
	return a.node == b.node && a.exclude == b.exclude && a.hash == b.hash && slices.Equal(a.prefixes, b.prefixes)
}

// digestCache keeps the digests of one document: several signatures cover the
// same body in the same form.
type digestCache struct {
	keys []digestKey
	sums [][]byte
}

// digest gives the digest of n in canonical form, computing it once. It reports
// and gives false where n has no canonical form or too many forms are asked for.
func (k *kanta) digest(n xmltree.Node, c Canonicalizer, h crypto.Hash, exclude xmltree.Node) ([]byte, bool) {
	key := digestKey{n, exclude, h, c.Prefixes}
	forms := 0
	for i, old := range k.digests.keys {
		if old.equal(key) {
			return k.digests.sums[i], k.digests.sums[i] != nil
		}
		if old.node == n {
			forms++
		}
	}
	if forms >= k.lim.Digests {
		k.add(RuleDigestVariants, n, strconv.Itoa(forms+1), finding.P("limit", strconv.Itoa(k.lim.Digests)))
		return nil, false
	}
	sum, err := digestOfNode(k.t, n, c, h, exclude)
	if err != nil {
		k.add(RuleNamespaceRelative, n, "")
	}
	k.digests.keys = append(k.digests.keys, key)
	k.digests.sums = append(k.digests.sums, sum)
	return sum, err == nil
}

// digestOfNode streams the canonical octets of n into a hash.
func digestOfNode(t *xmltree.Tree, n xmltree.Node, c Canonicalizer, h crypto.Hash, exclude xmltree.Node) ([]byte, error) {
	w := h.New()
	var err error
	if exclude == xmltree.None {
		err = c.Write(w, t, n)
	} else {
		err = c.Write(w, t, n, exclude)
	}
	if err != nil {
		return nil, err
	}
	return w.Sum(nil), nil
}
