// Package trust decides whether a certificate may make a signature: the
// implementations of xmldsig.Trust (requirements SIG-3 and SIG-4, kanta-interface
// 7.6 and 15).
//
// A Store trusts what chains, at the signing time, to one of the CA certificates
// it was given, or is exactly one of the signer certificates it was given (a pin).
// Either way the certificate must have been valid at the signing time and be one
// for signatures of that type: key usage, purpose, form of the subject's
// serialNumber and, where configured, certificate policy.
//
//	store, err := trust.New(trust.Options{Anchors: []string{"/etc/portti/trust"}})
//	v := &xmldsig.Verifier{Trust: store, Now: time.Now}
//	…
//	err = store.Reload() // the files have changed
//
// Every reason to refuse has a rule of its own (rules.go).
package trust
