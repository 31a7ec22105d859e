package sosmeta

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"portti/internal/finding"
)

// checkString judges a string against its field.
func (d *decoder) checkString(f *slot, field int32, r Ref, escaped bool) {
	const listed = slotAccepted | slotPhrases | slotIDSystem
	if f.minLength == 0 && f.class == matchAny && f.flags&listed == 0 {
		return
	}
	b := d.src[d.values[r].start+1 : d.pos-1]
	if escaped {
		b = unescape(b)
	}
	if f.minLength > 0 {
		d.checkLength(f, r, b)
	}
	if f.class != matchAny && !(f.class == matchSystem && hasArcs(b, f.prefix)) {
		d.checkPattern(d.fields[field], r, b)
	}
	if f.flags&listed != 0 {
		d.checkListed(f.flags, d.fields[field], r, b)
	}
}

func (d *decoder) checkListed(flags slotFlags, f *Field, r Ref, b []byte) {
	start := int(d.values[r].start)
	if flags&slotAccepted != 0 && !slices.Contains(f.Accepted, string(b)) {
		d.fault(acceptRule(f), r, start, shortValue(b), acceptParams(f))
	}
	if flags&slotPhrases != 0 {
		d.checkPhrase(f, r, b)
	}
	if flags&slotIDSystem != 0 {
		d.checkIDSystem(f.parent, r, b)
	}
}

func (d *decoder) checkLength(f *slot, r Ref, b []byte) {
	long := longEnough(b, int(f.minLength))
	if long && b[0] > ' ' {
		return
	}
	fd, start := d.fields[d.values[r].field], int(d.values[r].start)
	if !long {
		d.fault(RuleTextLength, r, start, "", fd.lengthParams)
		return
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		d.fault(RuleTextBlank, r, start, "", fd.params)
	}
}

func (d *decoder) checkPattern(f *Field, r Ref, b []byte) {
	start := int(d.values[r].start)
	if !f.match.matches(b) {
		rule, params := patternRule(f)
		d.fault(rule, r, start, shortValue(b), params)
		return
	}
	if c := f.match.class; (c == matchDate || c == matchMoment) && !inCalendar(b) {
		rule := RuleDateCalendar
		if c == matchMoment {
			rule = RuleTimeCalendar
		}
		d.fault(rule, r, start, shortValue(b), f.params)
	}
}

func patternRule(f *Field) (string, []finding.Param) {
	switch f.match.class {
	case matchDate:
		return RuleDateForm, f.params
	case matchMoment:
		return RuleTimeForm, f.params
	case matchSystem:
		if f.role == systemRole {
			return RuleCodeSystem, append(slices.Clone(f.params), finding.P("system", f.match.prefix))
		}
	}
	return RulePattern, append(slices.Clone(f.params), finding.P("pattern", f.Pattern))
}

func acceptRule(f *Field) string {
	switch f.role {
	case systemRole:
		return RuleCodeSystemOwn
	case codeRole:
		return RuleCodeNotAccepted
	}
	return RuleValue
}

func (d *decoder) checkPhrase(f *Field, r Ref, b []byte) {
	h := Hash(sha256.Sum256(b))
	if slices.Contains(f.Phrases, h) || !d.exact && slices.Contains(f.Alternatives, h) {
		return
	}
	rule := RulePhrase
	if d.exact {
		rule = RulePhraseExact
	}
	d.fault(rule, r, int(d.values[r].start), "", f.params)
}

// checkIDSystem compares an identifier's system with the one declared; the bare
// OID is taken for the same (kanta-interface 6.2: both forms were seen).
func (d *decoder) checkIDSystem(id *Field, r Ref, b []byte) {
	s := string(b)
	if s == id.SystemURI || "urn:oid:"+s == id.SystemURI {
		return
	}
	p := append(slices.Clone(id.params), finding.P("system", id.SystemURI))
	d.fault(RuleIDSystem, r, int(d.values[r].start), shortValue(b), p)
}

// shortValue copies a value for a finding, at most 200 octets of it.
func shortValue(b []byte) string {
	if len(b) <= 200 {
		return string(b)
	}
	n := 200
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return string(b[:n])
}

// fieldParams are the parameters of every finding about a field: its key and
// names. For parts of a coded value, identifier or quantity they name the field
// that the value belongs to, and the part.
func fieldParams(f *Field) []finding.Param {
	named := f
	if f.role != plainRole {
		named = f.parent
	}
	key := f.Key
	if named.Key != f.Key {
		key = named.Key + "/" + f.Key
	}
	if key == "" {
		key = "/"
	}
	return []finding.Param{
		finding.P("field", key), finding.P("name_fi", named.Name("fi")), finding.P("name_sv", named.Name("sv")),
	}
}

func keyParams(key []byte) []finding.Param {
	k := shownKey(string(key))
	return []finding.Param{finding.P("field", k), finding.P("name_fi", k), finding.P("name_sv", k)}
}

func typeParams(f *Field, c byte) []finding.Param {
	want := f.Kind.String()
	if f.Repeats {
		want = "array (" + want + ")"
	}
	return append(slices.Clone(f.params), finding.P("want", want), finding.P("got", typeWord(c)))
}

func typeWord(c byte) string {
	if c == '[' {
		return "array"
	}
	if k := kindOf(c); k != 0 {
		return k.String()
	}
	return "?"
}

func minParams(f *Field, n int) []finding.Param {
	return append(slices.Clone(f.params), finding.P("min", strconv.Itoa(f.MinItems)), finding.P("count", strconv.Itoa(n)))
}

func acceptParams(f *Field) []finding.Param {
	list := f.Accepted
	if len(list) > 30 {
		list = append(slices.Clone(list[:30]), "…")
	}
	return append(slices.Clone(f.params), finding.P("accepted", strings.Join(list, ", ")))
}

func limitParams(n int) []finding.Param { return []finding.Param{finding.P("limit", strconv.Itoa(n))} }

// foundParams tell the character at the head of b: itself where it is visible
// ASCII, else its code.
func foundParams(b []byte) []finding.Param {
	r, n := utf8.DecodeRune(b)
	found := string(r)
	switch {
	case r == utf8.RuneError && n <= 1:
		found = "EOF"
		if n == 1 {
			found = fmt.Sprintf("0x%02X", b[0])
		}
	case r <= ' ' || r >= 0x7f:
		found = fmt.Sprintf("U+%04X", r)
	}
	return []finding.Param{finding.P("found", found)}
}
