package codes

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// codeColumns are the names of the column that holds the code.
var codeColumns = map[string]bool{"code": true, "codeid": true, "koodi": true, "conceptcodeid": true, "id": true, "tunnus": true, "kod": true, "koodiarvo": true}

var (
	fromColumns = map[string]bool{"begindate": true, "from": true, "alkaen": true, "voimassaalkaen": true, "alkupvm": true}
	toColumns   = map[string]bool{"expirationdate": true, "enddate": true, "to": true, "asti": true, "voimassaasti": true, "loppupvm": true}
)

// ParseCSV reads a list of one code system from CSV with a line of headings, the
// separator being a comma, semicolon or tab. The columns may stand in any order:
// code (also koodi, conceptCodeId), name (longname, nimi), name_sv, parent
// (parentid), begindate, expirationdate, status; others are kept as attributes.
// The text must be UTF-8, with or without byte order mark.
func ParseCSV(oid string, src []byte) (*List, error) {
	if !isOID(oid) {
		return nil, fmt.Errorf("codes: %q is not an OID", oid)
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(src) {
		return nil, errors.New("codes: CSV: the text is not UTF-8; convert it first")
	}
	r := csv.NewReader(bytes.NewReader(src))
	r.Comma = separator(src)
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("codes: CSV: no line of headings: %w", err)
	}
	at := -1
	for i, h := range head {
		if codeColumns[plainName(h)] && at < 0 {
			at = i
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("codes: CSV: no column code among %s", strings.Join(head, ", "))
	}
	l := newList(oid)
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return l.finish()
		}
		if err != nil {
			return nil, fmt.Errorf("codes: CSV: %w", err)
		}
		c, err := csvCode(head, row, at)
		if err != nil {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("codes: CSV: line %d: %w", line, err)
		}
		l.Codes = append(l.Codes, c)
	}
}

func csvCode(head, row []string, at int) (Code, error) {
	c := Code{Code: strings.TrimSpace(row[at])}
	for i, v := range row {
		name := plainName(head[i])
		var err error
		switch {
		case i == at:
		case fromColumns[name]:
			c.From, err = parseTime(v)
		case toColumns[name]:
			c.To, err = parseTime(v)
		default:
			c.take(strings.TrimSpace(head[i]), "", v)
		}
		if err != nil {
			return c, err
		}
	}
	return c, nil
}

// separator gives the one of comma, semicolon and tab that the first line has most of.
func separator(src []byte) rune {
	line, _, _ := bytes.Cut(src, []byte("\n"))
	best, most := ',', 0
	for _, c := range ",;\t" {
		if n := bytes.Count(line, []byte(string(c))); n > most {
			best, most = c, n
		}
	}
	return best
}
