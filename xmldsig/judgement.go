package xmldsig

import (
	"bytes"
	"crypto"
	"slices"
	"strconv"
	"time"

	"portti/internal/finding"
	"portti/internal/xmltree"
)

// judgement is the judgement of one document, whatever the policy.
type judgement struct {
	*Verifier
	reader
	arrival time.Time
	verdict *Verdict
	digests digestCache
}

func (v *Verifier) judgement(t *xmltree.Tree, arrival time.Time, p policy) judgement {
	lim := v.Limits.withDefaults(p)
	return judgement{
		Verifier: v,
		reader:   reader{report: &report{t: t, source: v.source()}, lim: lim, legacy: v.Legacy, policy: p},
		arrival:  arrival,
		verdict:  &Verdict{},
	}
}

// done puts the findings into the verdict and gives it.
func (j *judgement) done() *Verdict {
	j.verdict.Findings, j.verdict.More = j.list.Items(), j.list.More()
	j.verdict.Valid = j.faults == 0 && len(j.verdict.Signatures) > 0 &&
		!slices.ContainsFunc(j.verdict.Signatures, func(s Signature) bool { return !s.Valid })
	return j.verdict
}

// digestKey names a digest that was computed.
type digestKey struct {
	node, exclude xmltree.Node
	hash          crypto.Hash
	algorithm     string
	comments      bool
	prefixes      []string
}

func (a digestKey) equal(b digestKey) bool {
	return a.node == b.node && a.exclude == b.exclude && a.hash == b.hash &&
		a.algorithm == b.algorithm && a.comments == b.comments && slices.Equal(a.prefixes, b.prefixes)
}

// digestCache keeps the digests of one document: several signatures cover the
// same body in the same form.
type digestCache struct {
	keys []digestKey
	sums [][]byte
	work int // nodes digested
}

// digest gives the digest of n in canonical form, computing it once. It reports
// and gives false where n has no canonical form or too many forms are asked for.
func (j *judgement) digest(n xmltree.Node, c Canonicalizer, h crypto.Hash, exclude xmltree.Node) ([]byte, bool) {
	key := digestKey{n, exclude, h, c.Algorithm, c.Comments, c.Prefixes}
	forms := 0
	for i, old := range j.digests.keys {
		if old.equal(key) {
			return j.digests.sums[i], j.digests.sums[i] != nil
		}
		if old.node == n {
			forms++
		}
	}
	if forms >= j.lim.Digests {
		j.add(RuleDigestVariants, n, strconv.Itoa(forms+1), finding.P("limit", strconv.Itoa(j.lim.Digests)))
		return nil, false
	}
	if !j.mayDigest(n) {
		return nil, false
	}
	sum, err := digestOfNode(j.t, n, c, h, exclude)
	if err != nil {
		j.add(RuleNamespaceRelative, n, "")
	}
	j.digests.keys = append(j.digests.keys, key)
	j.digests.sums = append(j.digests.sums, sum)
	return sum, err == nil
}

// mayDigest bounds the sum of what is digested: references to elements within
// elements would make it grow with their product (a transform bomb).
func (j *judgement) mayDigest(n xmltree.Node) bool {
	if work := j.digests.work + int(j.t.End(n)-n); work <= j.lim.Work*j.t.Len() {
		j.digests.work = work
		return true
	}
	j.add(RuleDigestWork, n, strconv.Itoa(j.lim.Work), finding.P("limit", strconv.Itoa(j.lim.Work)))
	return false
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

// match digests a reference's target, without the signature it belongs to where
// the reference says enveloped, and reports a difference at the DigestValue.
func (j *judgement) match(signature xmltree.Node, ref *dsigReference, out *Reference) {
	n := out.Target
	out.part = part{node: n, except: xmltree.None, comments: ref.canon.Comments && ref.comments, textOnly: ref.base64}
	if ref.enveloped && n < signature && signature < j.t.End(n) {
		out.part.except = signature
	}
	canon := ref.canon
	canon.Comments = out.part.comments
	var got []byte
	var ok bool
	if ref.base64 {
		got, ok = j.digestText(ref, out.part)
	} else {
		got, ok = j.digest(n, canon, ref.hash, out.part.except)
	}
	if out.Matches = ok && bytes.Equal(got, ref.want); ok && !out.Matches {
		j.add(RuleDigestMismatch, ref.valueNode, ref.uri, finding.P("element", j.nameOf(n)), finding.P("uri", ref.uri))
	}
}

// nameOf names an element, and the document by its root.
func (j *judgement) nameOf(n xmltree.Node) string {
	if n == xmltree.Doc {
		n = j.t.Root()
	}
	return j.t.Local(n)
}

// allMatch asks for evidence: that nothing was reported is not enough.
func allMatch(refs []Reference) bool {
	return len(refs) > 0 && !slices.ContainsFunc(refs, func(r Reference) bool { return !r.Matches })
}
