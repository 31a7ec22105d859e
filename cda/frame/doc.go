// Package frame reads and writes the transfer frame (siirtokehys): the HL7 V3
// message around a CDA document, its MIME package, and the acknowledgement that
// answers it (kanta-interface 3 and 8); also queries, their continuation and their
// answers (9).
//
//	f, findings := frame.Read(tree, root, catalogue.Strict)
//	if f.Fatal { … a SOAP Fault: nothing can be acknowledged … }
//	p, more := f.Package()
//	document := p.Document.Bytes
//
// A frame may stand anywhere in a tree, such as in a SOAP Body. Findings name
// the place in the tree; those about the MIME package count lines and columns in
// the package's own text.
package frame
