// Package pki is a certificate authority for development and tests, in the shape
// of the national one (kanta-interface 15): a root, an issuer of system signing
// certificates, an issuer of professionals' certificates and an issuer of TLS
// certificates, with the subject layouts, key usages, policies, qualified
// statements, revocation lists and OCSP addresses that real certificates have,
// under names of its own.
//
// # TEST KEYS ONLY
//
// Every key follows from a seed: who knows the seed knows the keys. That makes
// certificates, documents and whole test worlds the same byte for byte in every
// run, and makes the keys worthless for anything that must be safe. The gateway
// refuses this authority in the production world.
//
// # Use
//
//	ca, err := pki.New(pki.Options{Seed: "demo", Now: now})
//	leaf, err := ca.System(pki.Organisation{OID: "1.2.246.10.99999901.10.0", Name: "…", System: "…"})
//	leaf.Certificate, leaf.Key          // sign with them
//	http.Handle("/", ca.Handler())      // OCSP, CRL and issuers' certificates
//
// Certificates that must be refused are made on demand with [WithFault]: expired,
// not yet valid, revoked, wrong purpose, wrong issuer, weak key.
//
// [Init], [Issue], [Load] and [Show] keep an authority in a directory of PEM
// files for `portti pki`.
package pki
