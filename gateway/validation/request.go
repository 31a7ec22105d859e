package validation

import (
	"bytes"

	"portti/internal/finding"
)

// The five keys of a request (kanta-interface 1.1).
const (
	keyMessageID = "messageId"
	keyRequest   = "palveluPyynto"
	keyLevel     = "level"
	keyFrame     = "siirtokehysXml"
	keyDocument  = "asiakirjaXml"
)

// key is one of the keys with its rules.
type key struct {
	name                     string
	missing, otherKind, none string
	// numeric tells that a number is taken in place of a string.
	numeric bool
}

var keys = []key{
	{name: keyMessageID, missing: RuleMessageIDMissing, otherKind: RuleMessageIDType, none: RuleMessageIDEmpty},
	{name: keyRequest, missing: RuleRequestMissing, otherKind: RuleRequestType, none: RuleRequestEmpty},
	{name: keyLevel, missing: RuleLevelMissing, otherKind: RuleLevelType, numeric: true},
	{name: keyFrame, missing: RuleFrameMissing, otherKind: RuleFrameType, none: RuleFrameEmpty},
	{name: keyDocument, missing: RuleDocumentMissing, otherKind: RuleDocumentType, none: RuleDocumentEmpty},
}

var keyNames = []string{keyMessageID, keyRequest, keyLevel, keyFrame, keyDocument}

// content is what was read of the JSON.
type content struct {
	// serviceRequest is palveluPyynto and where it stands.
	serviceRequest string
	place          finding.Place
	// frame and document are the XML texts, empty where there is none to judge.
	frame, document []byte
	findings        []finding.Finding
}

// read takes a request's JSON apart. It writes into body.
func read(body []byte) *content {
	s, ok := scan(body, keyNames)
	if !ok {
		return &content{findings: s.out}
	}
	for i := range keys {
		s.judge(&keys[i])
	}
	asked := s.members[keyRequest]
	r := &content{findings: s.out, serviceRequest: asked.str.copied(), place: s.place(asked.offset)}
	r.place.XPath = "/" + keyRequest
	// Decoding comes last: places count in the octets as they came.
	r.frame, r.document = s.members[keyFrame].str.decode(), s.members[keyDocument].str.decode()
	return r
}

// judge tells of a key that is missing, of another type, or empty.
func (s *scanner) judge(k *key) {
	m := s.members[k.name]
	switch {
	case !m.present:
		s.add(k.missing, 0, k.name, "")
	case k.numeric && m.number != nil:
		s.level(m, string(m.number))
	case !m.ok:
		s.otherKind(k, m)
	case k.numeric:
		s.level(m, m.str.copied())
	case blank(m.str):
		s.add(k.none, m.offset, k.name, "")
		m.str = raw{}
	}
}

func (s *scanner) otherKind(k *key, m *member) {
	s.pos = m.offset
	s.add(k.otherKind, m.offset, k.name, "", finding.P("found", s.kind()))
}

// level judges the level; "1" is the only one that any client was seen to send.
func (s *scanner) level(m *member, value string) {
	if value != "1" {
		s.add(RuleLevelUnknown, m.offset, keyLevel, value)
	}
}

// blank tells whether a string is nothing but white space.
func blank(r raw) bool {
	const some = 256 // a longer string is not copied to see it
	if len(r.text) > some {
		return false
	}
	return len(bytes.TrimSpace([]byte(r.copied()))) == 0
}
