// Package xmldsig canonicalizes, verifies and makes the XML signatures of CDA
// documents (sähköinen allekirjoitus, interface section 7).
//
// # Verifying
//
// A Verifier judges a parsed document under the policy "kanta":
//
//	v := &xmldsig.Verifier{Trust: store, Now: time.Now}
//	verdict := v.Document(tree)
//	body, ok := verdict.Covered.Body()
//
// The answer is never a bare yes. Covered names the elements that valid
// signatures cover, and a reader of body content takes the body from there: what
// was not verified cannot be read by mistake. Findings name every fault of every
// signature with its place.
//
// The policy rests on these points:
//
//   - Nothing is dereferenced but an ID in the same document; every reference must
//     resolve to exactly one element, and that element must stand at the place
//     where the application reads it: the one body under the one component of the
//     one ClinicalDocument, this signature's own timestamp, this signature's own
//     list of documents. A copy that verifies at another place is a finding.
//   - Algorithms and transforms come from an allow-list. What is not on it is
//     refused by name before anything is computed.
//   - The octets that are digested come from the tree that metadata is read from;
//     nothing is parsed a second time.
//   - Work is linear in the document and bounded by Limits; refusing costs no more
//     than accepting.
//
// # Any XML signature
//
// Verifier.Generic judges the signatures of any XML document under the policy
// "generic": XML Signature 1.1 with sound algorithms, references within the
// document, all canonicalizations, manifests, and keys in any form, each of which
// must be trusted by its certificate or by itself (Verifier.Keys). It is for
// others' vectors and for signed reports; the gateway never uses it. There too
// Covered tells what was digested, and a reader must read nothing else: that a
// document holds a valid signature says nothing of where.
//
// # Trust
//
// Whether a certificate may sign is decided by a Trust, an interface; package
// xmldsig/trust holds the implementations. This package reads no clock, no file
// and no network of its own.
//
// # Signing
//
// SignDocument adds a signature to a document's signatureCollection, SignEnveloped
// one to the end of any XML document. Every other byte stays as it was, and nothing
// is handed out that does not verify here.
//
// # Canonical form
//
// Canonicalizer writes exclusive (1.0) and inclusive (1.0, 1.1) canonical octets
// of a document or an element to any io.Writer.
package xmldsig
