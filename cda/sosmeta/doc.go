// Package sosmeta checks the structured body of a social-welfare document, JSON,
// against the national document structures (Sosmeta, THL), by structure id and
// version.
//
// # Use
//
//	set := sosmeta.Default()                        // the structures of May 2025
//	s, findings := set.Choose(id, created)
//	if s != nil {
//		report := s.Validate(jsonBytes, sosmeta.Options{Facts: true})
//		findings = append(findings, report.Findings...)
//	}
//
// A [Structure] is the definition of one document (such as 1.2.246.537.6.1506.15007.2024.11.28,
// the client plan of families with children): a tree of [Field]s with key, name,
// representation, obligation, repetition, code system and accepted codes. A [Table] is a set
// of structures that [Import] made from THL's JSON Schemas (draft-07); a [Set] holds tables
// side by side, so that several versions of a structure are valid at one time.
//
// [Structure.Validate] decodes and validates in one pass over the bytes, without
// reflection: it tells every fault, with line, column (1-based, code points) and JSON pointer,
// and goes on after a fault wherever the rest still has a meaning. Its verdict is that of a
// JSON Schema validator with the original schemas (a differential test sees to it), but that
//
//   - JSON itself is taken strictly (UTF-8, no duplicate keys, no lone surrogates, limits),
//   - a fixed phrase that differs is a warning (an error with Options.PhrasesExact),
//   - what the schemas hold only as prose (conditional obligations) is checked by the table
//     conditions.yaml, and told under rule ids of its own,
//   - dates that the schemas' patterns let through but no calendar has are a warning.
//
// # The table's file
//
// A table is kept as gzip-compressed JSON, "format": "portti-sosmeta/1":
//
//	names       [[fi, sv], …]: names of fields
//	specs       value definitions, each referring to earlier ones only:
//	            k kind (o object, s string, n number, b boolean), r representation,
//	            n index of the name + 1, m repeats (an array), min least number of items,
//	            len least length in code points, pat pattern, in accepted values,
//	            ph fixed phrases and al their other language (SHA-256, base64),
//	            sys code system (OID), uri identifier system, leaf leaf codes only,
//	            open further keys allowed, f fields [{k key, s spec, q 1 required | 2 conditional}]
//	structures  oid, title [fi, sv], type, author, subject, version, library, status, root (spec)
//
// Equal definitions are stored once. No description, note, information text or phrase of the
// schemas is kept: a phrase stands as its hash only.
package sosmeta
