// Package trust decides whether a certificate may make a signature: the
// implementations of xmldsig.Trust (requirements SIG-3 and SIG-4, kanta-interface
// 7.6 and 15).
//
// A Store trusts what chains, at the signing time, to one of the CA certificates
// it was given, or is exactly one of the signer certificates it was given (a pin).
// Either way the certificate must have been valid at the signing time and be one
// for signatures of that type: key usage, purpose, form of the subject's
// serialNumber and, where configured, certificate policy and issuer.
//
//	store, err := trust.New(trust.Options{Anchors: []string{"/etc/portti/trust"}})
//	v := &xmldsig.Verifier{Trust: store, Now: time.Now}
//	…
//	err = store.Reload()                       // the files have changed
//	store.Watch(ctx, time.Minute, report)      // or have it look itself
//
// # Revocation
//
// With Options.Revocation a Store also learns whether a certificate was revoked:
// from lists in files, from OCSP responders and from lists over the network. The
// network is an interface (Fetcher; package fetch has one over HTTP), and is asked
// only about certificates whose chain reaches an anchor and that nothing else
// refuses. Answers are kept, by the hash of certificate and issuer, for as long as
// they say they are good; near the end newer ones are asked for without anyone
// waiting; an address that fails is left alone for a while; many documents of one
// signer ask once.
//
// What revocation means depends on its reason and on three times:
//
//	             revoked up to signing   up to arrival   later
//	compromise   refused                 refused         valid
//	hold         refused                 valid, remark   valid
//	others       refused                 valid, remark   valid
//
// The signing time is the signer's claim, which a stolen key makes worthless. Where
// nothing can be learned the mode decides: hard refuses, with the rule of each
// source that failed, soft remarks.
//
// Full lists and lists partitioned by address or by kind of certificate are used.
// Delta lists, indirect lists and lists for some reasons are refused by name.
//
// # Who signed
//
// SubjectOf reads whom a certificate names, and Compare holds the signers of a
// document against what the document and its frame say.
//
// Every reason to refuse has a rule of its own (rules.go).
package trust
