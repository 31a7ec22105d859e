// Package fhir is the door of disclosure notices (luovutusilmoitus, LUO-6): what was
// disclosed outside the archive, sent as a FHIR R4 transaction of pairs of AuditEvent
// and Provenance (kanta-interface 12.5).
//
//	POST /fhir    application/fhir+json or application/fhir+xml
//
// A bundle is about one person. It is taken as a whole or not at all; notices are
// created only, and sending the same again is answered as the first time. What is
// taken goes into the disclosure log of the controller that disclosed, one row for
// each item, and the exact message is kept as long as those rows.
//
// The answer is a Bundle of type transaction-response, or an OperationOutcome with
// every fault that was found: its place as FHIRPath expression and as line and
// column, what is wrong and what to do. It never repeats what may be personal.
//
// JSON and XML become one tree of elements by readers that bound size, depth and
// number; nothing else reads the bytes. What is demanded of the resources stands in
// data/profile.yaml, each line with its source.
//
// Assumptions, all marked "local" in the catalogue: the bundle's signature and the
// token are kept, not verified; how the person, the discloser and the recipient are
// told apart (data/profile.yaml).
package fhir
