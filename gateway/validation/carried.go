package validation

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"

	"portti/internal/finding"
)

// carriedRules are the rules about how one of the two XML texts is carried.
type carriedRules struct {
	source                               finding.Source
	declaration, bom, lineEnds, encoding string
}

var (
	frameCarried = carriedRules{
		finding.SourceFrame, RuleFrameDeclaration, RuleFrameBOM, RuleFrameLineEnds, RuleFrameEncoding,
	}
	documentCarried = carriedRules{
		finding.SourceDocument, RuleDocumentDeclaration, RuleDocumentBOM, RuleDocumentLineEnds, RuleDocumentEncoding,
	}
)

// carried judges the form in which a text came and gives the octets to parse:
// UTF-8, whatever its declaration says, for JSON carries characters
// (kanta-interface 1.3). Lines and columns stay those of the text as it came. It
// writes into text.
func (c *carriedRules) carried(text []byte) ([]byte, []finding.Finding) {
	var out []finding.Finding
	add := func(rule string, at int, value string) {
		before := text[:at]
		out = append(out, finding.Finding{Rule: rule, Value: value, Place: finding.Place{
			Source: c.source, Line: 1 + bytes.Count(before, []byte{'\n'}),
			Column: 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]),
		}})
	}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		text = text[len("\ufeff"):]
		add(c.bom, 0, "")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("<?xml")) {
		add(c.declaration, 0, "")
	} else if at, encoding := otherEncoding(text); encoding != "" {
		add(c.encoding, at, encoding)
	}
	if i := bytes.IndexByte(text, '\r'); i >= 0 {
		add(c.lineEnds, i, "")
	}
	return text, out
}

// maxDeclaration is how long an XML declaration may be to be looked into.
const maxDeclaration = 1000

var declaredEncoding = regexp.MustCompile(`\sencoding\s*=\s*("[A-Za-z][A-Za-z0-9._-]*"|'[A-Za-z][A-Za-z0-9._-]*')`)

// otherEncoding finds a declared encoding other than UTF-8 and blanks its
// declaration out, so that the parser takes the text as the UTF-8 that it is. It
// gives where the name stands. What is no name of an encoding is left for the
// parser to refuse.
func otherEncoding(text []byte) (at int, name string) {
	head := text[:min(len(text), maxDeclaration)]
	end := bytes.Index(head, []byte("?>"))
	if !bytes.HasPrefix(head, []byte("<?xml")) || end < 0 {
		return 0, ""
	}
	m := declaredEncoding.FindSubmatchIndex(head[:end])
	if m == nil {
		return 0, ""
	}
	name = string(head[m[2]+1 : m[3]-1])
	if strings.EqualFold(name, "utf-8") {
		return 0, ""
	}
	for i := m[0]; i < m[1]; i++ {
		if c := text[i]; c != '\n' && c != '\r' {
			text[i] = ' '
		}
	}
	return m[2] + 1, name
}
