package xmltree

import "fmt"

// The codes of a SyntaxError. Each names one kind of fault; they never change.
const (
	CodeBytes    = "bytes"    // more bytes than Limits.Bytes
	CodeDepth    = "depth"    // deeper than Limits.Depth
	CodeAttrs    = "attrs"    // more attributes and declarations on one element than Limits.Attrs
	CodeNameLen  = "name-len" // a name longer than Limits.Name
	CodeTextLen  = "text-len" // a text, value, comment or instruction longer than Limits.Text
	CodeNodes    = "nodes"    // more nodes than Limits.Nodes
	CodeNames    = "names"    // more distinct names and namespaces than Limits.Names
	CodeEncoding = "encoding" // an encoding that is not supported
	CodeMismatch = "encoding-mismatch"
	CodeUTF8     = "utf8"      // bytes that are not UTF-8
	CodeUTF16    = "utf16"     // bytes that are not UTF-16
	CodeChar     = "char"      // a character that XML does not allow (XML 1.0, 2.2)
	CodeXMLDecl  = "xml-decl"  // a faulty or misplaced XML declaration (2.8)
	CodeVersion  = "version"   // a version that is not 1.x (2.8)
	CodeDTD      = "dtd"       // a document type declaration (2.8); none is taken
	CodeEntity   = "entity"    // a reference to an entity that is not predefined (4.1)
	CodeRef      = "reference" // a reference that is not closed or has no name (4.1)
	CodeCharRef  = "char-ref"  // a faulty character reference, or one to a character not allowed (4.1)
	CodeName     = "name"      // a name with characters not allowed (2.3)
	CodeQName    = "qname"     // a name with colons at wrong places (Namespaces, 4)
	CodeMarkup   = "markup"    // anything else that is no markup, such as "<" before a blank or "<!X"
	CodeTag      = "tag"       // something in a tag that does not belong there (3.1)
	CodeAttr     = "attr"      // an attribute without a quoted value, or without a blank before it (3.1)
	CodeAttrLess = "attr-lt"   // "<" in an attribute value (3.1)
	CodeAttrDup  = "attr-dup"  // two attributes of one name (3.1; Namespaces, 6.3)
	CodePrefix   = "prefix"    // a prefix that is not declared (Namespaces, 5)
	CodeXMLNS    = "xmlns"     // a namespace declaration that is not allowed (Namespaces, 3 and 5)
	CodeEndTag   = "end-tag"   // an end tag that does not match (3)
	CodeUnclosed = "unclosed"  // the input ends inside an element, tag, value, comment, section or instruction
	CodeCDEnd    = "cdata-end" // "]]>" in text (2.4)
	CodeComment  = "comment"   // "--" inside a comment (2.5)
	CodePI       = "pi"        // a faulty processing instruction (2.6)
	CodeRoot     = "root"      // no root element, a second one, or text beside it (2.1)
)

// SyntaxError tells why and where a parse ended. Line and Column are 1-based, in
// code points of the decoded text (a byte order mark counts as none); Offset is
// 0-based in the original bytes. Detail is English and holds nothing of the
// content but names of elements, attributes, entities and encodings.
type SyntaxError struct {
	Code                 string
	Line, Column, Offset int
	Detail               string
}

// Error gives "line 3, column 7: dtd: a document type declaration is not allowed".
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s: %s", e.Line, e.Column, e.Code, e.Detail)
}

// Limit tells whether the document was refused for its size or shape (Limits)
// and not for being ill-formed.
func (e *SyntaxError) Limit() bool {
	switch e.Code {
	case CodeBytes, CodeDepth, CodeAttrs, CodeNameLen, CodeTextLen, CodeNodes, CodeNames:
		return true
	}
	return false
}

// fault is a SyntaxError before its place is worked out: off counts in the
// decoded text.
type fault struct {
	off          int
	code, detail string
}

func (f *fault) Error() string { return f.code + ": " + f.detail }

func failf(off int, code, format string, args ...any) error {
	return &fault{off, code, fmt.Sprintf(format, args...)}
}

// clip shortens a name from the input for a message.
func clip[T string | []byte](name T) string {
	const most = 48
	s := string(name[:min(len(name), most+1)])
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%+q", s)
}
