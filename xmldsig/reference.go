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
		res := Reference{Node: ref.node, URI: ref.uri, Target: xmltree.None, Manifest: xmltree.None}
		if ref.id != "" {
			res.Target = k.resolveTarget(it, ref)
		}
		if res.Target != xmltree.None && slices.ContainsFunc(out, func(o Reference) bool { return o.Target == res.Target }) {
			k.add(RuleReferenceRepeated, ref.node, ref.uri)
		}
		if res.Target != xmltree.None && ref.sound {
			k.match(it.dsig.node, ref, &res)
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
