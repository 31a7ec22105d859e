// Package xmltree parses XML once, strictly and in linear time, into one tree of
// flat arrays that everything else reads: canonicalization and signature checks,
// schema validation, metadata and findings. What was verified is what is read.
//
// # What it takes
//
// XML 1.0 (fifth edition) with Namespaces in XML 1.0 (third edition), well-formed
// and namespace-well-formed, in UTF-8, UTF-16 (either byte order, with a byte
// order mark or recognised by its XML declaration) or ISO-8859-1 (declared).
// A version 1.x other than 1.0 is read as 1.0 (XML 1.0, 2.8).
//
// # What it refuses
//
// Every document type declaration (Code "dtd"), so there are no entities but the
// five predefined ones, no external anything, no attribute defaults, and all
// attributes are of type CDATA. Everything beyond Limits. An XML declaration that
// contradicts the bytes. It has no recovery: the first fault ends the parse with a
// *SyntaxError that has a code, line, column and offset.
//
// # The tree
//
// A Node is an index into arrays in document order; the subtree of n is the
// half-open range [n, End(n)). Node 0 is the document. Names are interned, values
// are ranges of the input wherever normalisation changed nothing. Namespace
// declarations are not attributes; see NSDecls. Accessors given None answer with
// the zero value ("" or None) and do not panic.
//
// A *Tree is immutable after Parse and safe for any number of concurrent readers.
// Strings and byte slices it hands out share memory with the source: do not change
// the bytes, and clone (strings.Clone) what shall outlive the document, else a
// short string keeps the whole document in memory.
//
// Time is linear in the size of the input for all input: names and namespace
// lookups are hashed with a random seed, duplicate attributes are found by stamps,
// nothing recurses, and positions and paths are indexed on first use.
package xmltree
