package xmldsig

import (
	"strconv"

	"portti/internal/xmltree"
)

// pssMethod reads the parameters of the signature method rsa-pss (RFC 9231,
// 2.3.9), of which one shape is taken: one hash throughout, a salt as long as it,
// and the one trailer there is. Left out, they mean SHA-256.
func (r *reader) pssMethod(n xmltree.Node) method {
	uri := AlgSHA256
	if p := r.t.FirstElement(n); p != xmltree.None {
		var ok bool
		if uri, ok = r.pssHash(p); !ok || !r.t.Is(p, more07, "RSAPSSParams") || r.t.NextElement(p) != xmltree.None {
			r.add(RulePSSParameters, n, "")
			return method{}
		}
	}
	h, rule := digestOf(uri, false)
	if rule != "" {
		r.add(rule, n, uri)
		return method{}
	}
	return method{rsaPSS, h}
}

// pssHash gives the digest method of the parameters; false for other shapes.
func (r *reader) pssHash(params xmltree.Node) (string, bool) {
	uri, salt := AlgSHA256, ""
	c := r.t.FirstElement(params)
	if r.t.Is(c, nsDSig, "DigestMethod") {
		uri = r.t.Attr(c, "Algorithm")
		c = r.t.NextElement(c)
	}
	mask := AlgSHA256
	if r.t.Is(c, more07, "MaskGenerationFunction") {
		if r.t.Attr(c, "Algorithm") != algMGF1 {
			return uri, false
		}
		if d := r.t.Child(c, nsDSig, "DigestMethod"); d != xmltree.None {
			mask = r.t.Attr(d, "Algorithm")
		}
		c = r.t.NextElement(c)
	}
	if r.t.Is(c, more07, "SaltLength") {
		salt = r.t.Text(c)
		c = r.t.NextElement(c)
	}
	if r.t.Is(c, more07, "TrailerField") {
		if r.t.Text(c) != "1" {
			return uri, false
		}
		c = r.t.NextElement(c)
	}
	h, rule := digestOf(uri, false)
	return uri, c == xmltree.None && mask == uri && (rule != "" || salt == "" || salt == strconv.Itoa(h.Size()))
}
