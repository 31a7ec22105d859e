package validation

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"portti/internal/finding"
)

// maxDepth is how deep values of unknown keys may be nested.
const maxDepth = 32

// maxUnknown bounds the findings about unknown keys.
const maxUnknown = 20

// raw is a string of the JSON as written, without its quotes.
type raw struct {
	text    []byte // shares the request's memory
	escaped bool   // holds escapes
}

// decode gives the string. It writes into the request's memory: a decoded string
// is never longer than a written one.
func (r raw) decode() []byte {
	if !r.escaped {
		return r.text
	}
	return unescape(r.text[:0], r.text)
}

// copied is decode without touching the request.
func (r raw) copied() string {
	if !r.escaped {
		return string(r.text)
	}
	return string(unescape(make([]byte, 0, len(r.text)), r.text))
}

// member is the value of one of the five keys.
type member struct {
	present, ok bool
	// str is set where the value is a string, number where it is a number.
	str    raw
	number []byte
	offset int
}

// scanner reads the request's JSON strictly (RFC 8259) in one pass, without
// decoding anything. It knows the five keys and skips the rest.
type scanner struct {
	src     []byte
	pos     int
	out     []finding.Finding
	members map[string]*member
	unknown int
}

// fault ends the scan; its words are the parameter of RuleSyntax.
type fault string

func (f fault) Error() string { return string(f) }

// The faults.
const (
	faultUnclosed = fault("unclosed")
	faultKey      = fault("key")
	faultColon    = fault("colon")
	faultComma    = fault("comma")
	faultValue    = fault("value")
	faultNumber   = fault("number")
	faultControl  = fault("control character")
	faultEscape   = fault("escape")
	faultTrailing = fault("trailing")
	faultDepth    = fault("depth")
)

// scan reads a request. The members are only complete where ok.
func scan(src []byte, keys []string) (s *scanner, ok bool) {
	s = &scanner{src: src, members: make(map[string]*member, len(keys))}
	for _, k := range keys {
		s.members[k] = &member{}
	}
	if bytes.HasPrefix(src, []byte("\xef\xbb\xbf")) {
		s.add(RuleBOM, 0, "", "")
		s.src = src[3:] // the mark counts as no column
	}
	if i := invalidUTF8(s.src); i >= 0 {
		s.add(RuleUTF8, i, "", "")
		return s, false
	}
	s.space()
	if s.pos == len(s.src) {
		s.out = append(s.out, finding.Finding{Rule: RuleBodyEmpty, Place: finding.Place{Source: finding.SourceRequest}})
		return s, false
	}
	return s, s.root()
}

// root reads the one value.
func (s *scanner) root() bool {
	if found := s.kind(); found != "object" {
		if s.tell(s.skip(0)) {
			s.add(RuleRoot, 0, "", "", finding.P("found", found))
		}
		return false
	}
	if !s.tell(s.object(s.member, 0)) {
		return false
	}
	s.space()
	if s.pos < len(s.src) {
		return s.tell(faultTrailing)
	}
	return true
}

// tell makes the finding of a fault at the place where the scan stands; true where
// there is none.
func (s *scanner) tell(err error) bool {
	switch err {
	case nil:
		return true
	case faultDepth:
		s.add(RuleDepth, s.pos, "", "", finding.P("limit", strconv.Itoa(maxDepth)))
	default:
		s.add(RuleSyntax, s.pos, "", "", finding.P("fault", err.Error()))
	}
	return false
}

func (s *scanner) add(rule string, offset int, key, value string, params ...finding.Param) {
	place := s.place(offset)
	if key != "" {
		place.XPath = "/" + key
		params = append(params, finding.P("key", key))
	}
	s.out = append(s.out, finding.Finding{Rule: rule, Place: place, Value: value, Params: params})
}

// place gives line and column of an offset.
func (s *scanner) place(offset int) finding.Place {
	before := s.src[:min(offset, len(s.src))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return finding.Place{
		Source: finding.SourceRequest, Line: 1 + bytes.Count(before, []byte{'\n'}), Column: 1 + utf8.RuneCount(line),
	}
}

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek gives the next byte, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// kind names the value that begins here.
func (s *scanner) kind() string {
	switch c := s.peek(); {
	case c == '{':
		return "object"
	case c == '[':
		return "array"
	case c == '"':
		return "string"
	case c == 't' || c == 'f':
		return "boolean"
	case c == 'n':
		return "null"
	default:
		return "number"
	}
}

// object reads an object; each is called where a value begins and must read it.
func (s *scanner) object(each func(key raw, at, depth int) error, depth int) error {
	s.pos++
	s.space()
	if s.peek() == '}' {
		s.pos++
		return nil
	}
	for {
		s.space()
		at := s.pos
		if s.peek() != '"' {
			return s.orUnclosed(faultKey)
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		s.space()
		if s.peek() != ':' {
			return s.orUnclosed(faultColon)
		}
		s.pos++
		s.space()
		if err := each(key, at, depth+1); err != nil {
			return err
		}
		if done, err := s.next('}'); done || err != nil {
			return err
		}
	}
}

func (s *scanner) array(depth int) error {
	s.pos++
	s.space()
	if s.peek() == ']' {
		s.pos++
		return nil
	}
	for {
		s.space()
		if err := s.skip(depth + 1); err != nil {
			return err
		}
		if done, err := s.next(']'); done || err != nil {
			return err
		}
	}
}

// next reads what follows a value: a comma, or the end of the object or array.
func (s *scanner) next(end byte) (done bool, err error) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		return false, nil
	case end:
		s.pos++
		return true, nil
	default:
		return false, s.orUnclosed(faultComma)
	}
}

func (s *scanner) orUnclosed(f fault) error {
	if s.pos >= len(s.src) {
		return faultUnclosed
	}
	return f
}

// skip reads any value.
func (s *scanner) skip(depth int) error {
	if depth > maxDepth {
		return faultDepth
	}
	switch s.kind() {
	case "object":
		return s.object(func(_ raw, _, depth int) error { return s.skip(depth) }, depth)
	case "array":
		return s.array(depth)
	case "string":
		_, err := s.str()
		return err
	case "boolean", "null":
		return s.literal()
	default:
		return s.number()
	}
}

func (s *scanner) literal() error {
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(s.src[s.pos:], []byte(word)) {
			s.pos += len(word)
			return nil
		}
	}
	return faultValue
}

// number reads -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
func (s *scanner) number() error {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0':
		s.pos++
	case c >= '1' && c <= '9':
		s.digits()
	case s.pos == start:
		return s.orUnclosed(faultValue)
	default:
		return faultNumber
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return faultNumber
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return faultNumber
		}
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// str reads a string.
func (s *scanner) str() (raw, error) {
	s.pos++
	r := raw{}
	start := s.pos
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '"':
			r.text = s.src[start:s.pos]
			s.pos++
			return r, nil
		case c == '\\':
			r.escaped = true
			if err := s.escape(); err != nil {
				return r, err
			}
		case c < ' ':
			return r, faultControl
		default:
			s.pos++
		}
	}
	return r, faultUnclosed
}

// escape reads an escape. Half a surrogate pair is a finding, not the end.
func (s *scanner) escape() error {
	if s.pos+1 >= len(s.src) {
		s.pos = len(s.src)
		return faultUnclosed
	}
	switch s.src[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return nil
	case 'u':
	default:
		return faultEscape
	}
	first, ok := hex4(s.src[s.pos+2:])
	if !ok {
		return faultEscape
	}
	if !utf16.IsSurrogate(first) {
		s.pos += 6
		return nil
	}
	if rest := s.src[s.pos+6:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
		if second, ok := hex4(rest[2:]); ok && utf16.DecodeRune(first, second) != utf8.RuneError {
			s.pos += 12
			return nil
		}
	}
	if !s.said(RuleSurrogate) {
		s.add(RuleSurrogate, s.pos, "", string(s.src[s.pos:s.pos+6]))
	}
	s.pos += 6
	return nil
}

func (s *scanner) said(rule string) bool {
	for i := range s.out {
		if s.out[i].Rule == rule {
			return true
		}
	}
	return false
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (v rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			v = v<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// unescape decodes a string that the scanner has taken onto dst, which may be its
// own memory. Half a surrogate pair becomes U+FFFD.
func unescape(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		c := src[i]
		if c != '\\' {
			n := bytes.IndexByte(src[i:], '\\')
			if n < 0 {
				n = len(src) - i
			}
			dst = append(dst, src[i:i+n]...)
			i += n
			continue
		}
		if c = src[i+1]; c != 'u' {
			dst = append(dst, plainEscapes[c])
			i += 2
			continue
		}
		r, _ := hex4(src[i+2:])
		i += 6
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if i+6 <= len(src) && src[i] == '\\' && src[i+1] == 'u' {
				low, _ = hex4(src[i+2:])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				i += 6
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

var plainEscapes = map[byte]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// member reads the value of a key of the request.
func (s *scanner) member(key raw, at, depth int) error {
	name := key.copied()
	m := s.members[name]
	if m == nil {
		if s.unknown++; s.unknown <= maxUnknown {
			s.add(RuleUnknownKey, at, "", name)
		}
		return s.skip(depth)
	}
	if m.present {
		s.add(RuleRepeated, at, name, "")
		return s.skip(depth)
	}
	*m = member{present: true, offset: s.pos}
	start := s.pos
	switch s.kind() {
	case "string":
		var err error
		m.str, err = s.str()
		m.ok = err == nil
		return err
	case "number":
		if err := s.number(); err != nil {
			return err
		}
		m.number = s.src[start:s.pos]
		return nil
	default:
		return s.skip(depth)
	}
}
