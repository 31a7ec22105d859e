// Package cda reads a Finnish CDA R2 document: its header and local header into
// a typed metadata model, and its body into decoded parts.
//
// Use:
//
//	doc, findings := cda.Read(tree)          // header → doc.Metadata
//	body, more := doc.BodyContent(covered)   // covered: the element that the signatures cover
//
// Every value of the model keeps the node of the tree it was read from, so that
// whoever judges it can tell line, column and path. A value that is absent is
// the zero value; its node is 0, which no element of a header ever has. So a
// Metadata made by hand, without a tree, is as good as one that was read.
//
// Elements are known by namespace and local name alone, never by prefix
// (kanta-interface 5.1: the documents seen use three different prefixes).
//
// Read judges little: what could not be read, or stands twice where one value
// is meant. What a document group demands is data of package cda/rules.
//
// The package also holds the small languages that the header is written in: the
// personal identity code (hetu.go), OIDs (oid.go) and HL7 time stamps (ts.go).
package cda
