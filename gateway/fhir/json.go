package fhir

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"

	"portti/internal/finding"
)

// Bounds of a message beside its size.
const (
	maxDepth    = 48
	maxElements = 50_000
)

var (
	errSyntax = errors.New("syntax")
	errBounds = errors.New("bounds")
)

// jsonReader makes elements of JSON tokens.
type jsonReader struct {
	src   []byte
	dec   *json.Decoder
	lines *lines
	count int
	depth int
}

// readJSON reads a resource in JSON. A fault has its place.
func readJSON(src []byte) (*element, *finding.Finding) {
	r := &jsonReader{src: src, dec: json.NewDecoder(bytes.NewReader(src)), lines: newLines(src)}
	r.dec.UseNumber()
	if !utf8.Valid(src) {
		return nil, r.fault(errSyntax)
	}
	root := &element{}
	err := r.value(root)
	if err == nil {
		if _, e := r.dec.Token(); !errors.Is(e, io.EOF) {
			err = errSyntax // more than one value
		}
	}
	if err != nil {
		return nil, r.fault(err)
	}
	if root.kind == "" {
		return nil, r.fault(errSyntax) // no resource
	}
	root.name, root.path = root.kind, root.kind
	root.number()
	return root, nil
}

// fault tells what stopped the reader and where.
func (r *jsonReader) fault(err error) *finding.Finding {
	line, col := r.lines.at(r.next())
	at := finding.Place{Source: finding.SourceRequest, Line: line, Column: col}
	if errors.Is(err, errBounds) {
		return &finding.Finding{Rule: RuleBounds, Place: at}
	}
	return &finding.Finding{Rule: RuleSyntax, Place: at}
}

// next is where the next token begins.
func (r *jsonReader) next() int {
	off := int(r.dec.InputOffset())
	for off < len(r.src) && bytes.IndexByte([]byte(" \t\r\n:,"), r.src[off]) >= 0 {
		off++
	}
	return off
}

// value reads a value into e.
func (r *jsonReader) value(e *element) error {
	if r.count++; r.count > maxElements {
		return errBounds
	}
	e.line, e.col = r.lines.at(r.next())
	tok, err := r.dec.Token()
	if err != nil {
		return errSyntax
	}
	switch v := tok.(type) {
	case json.Delim:
		if v != '{' {
			return errSyntax // FHIR has no array of arrays, and none as a resource
		}
		return r.object(e)
	case string:
		e.value = v
	case json.Number:
		e.value = v.String()
	case bool:
		e.value = map[bool]string{true: "true", false: "false"}[v]
	default:
		return errSyntax // null stands nowhere but in arrays of primitives
	}
	return nil
}

func (r *jsonReader) object(e *element) error {
	if r.depth++; r.depth > maxDepth {
		return errBounds
	}
	defer func() { r.depth-- }()
	seen := make(map[string]bool)
	for r.dec.More() {
		tok, err := r.dec.Token()
		name, ok := tok.(string)
		if err != nil || !ok || seen[name] {
			return errSyntax // a name twice means two things to two readers
		}
		seen[name] = true
		if err := r.member(e, name); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return errSyntax
	}
	return nil
}

// member reads one member: a value, or an array of them under one name.
func (r *jsonReader) member(e *element, name string) error {
	if at := r.next(); at >= len(r.src) || r.src[at] != '[' {
		return r.keep(e, name)
	}
	if _, err := r.dec.Token(); err != nil {
		return errSyntax
	}
	for r.dec.More() {
		if err := r.keep(e, name); err != nil {
			return err
		}
	}
	if _, err := r.dec.Token(); err != nil {
		return errSyntax
	}
	return nil
}

func (r *jsonReader) keep(e *element, name string) error {
	k := &element{name: name}
	if err := r.value(k); err != nil {
		return err
	}
	if name == "resourceType" {
		e.kind = k.value
		return nil
	}
	e.kids = append(e.kids, k)
	return nil
}
