package web

import (
	"cmp"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/store"
)

// Code systems whose texts the pages show (kanta-interface 13.1).
const (
	systemGroup = "1.2.246.537.6.1505"
	systemType  = "1.2.246.537.6.1506"
	systemTask  = "1.2.246.537.6.1221"
)

func (s *Site) codes() *codes.Set {
	if s.Judge != nil && s.Judge.Codes != nil {
		return s.Judge.Codes
	}
	return codes.Default()
}

// typeCode is the specific type of a document, or else the general one.
func typeCode(x *store.Index) string { return cmp.Or(x.SpecificType, x.GeneralType) }

// breakable lets a long OID go on in the next line after the dot in its middle.
func breakable(id string) template.HTML {
	dot := strings.IndexByte(id[len(id)/2:], '.') + 1
	if len(id) < 20 || dot == 0 || strings.Trim(id, "0123456789.") != "" {
		return template.HTML(template.HTMLEscapeString(id))
	}
	dot += len(id) / 2
	return template.HTML(id[:dot] + "<wbr>" + id[dot:]) // digits and dots
}

// shownTime gives a time in Helsinki as people write it there.
func shownTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(cda.Helsinki()).Format("2.1.2006 15.04.05")
}

// grouped writes a number with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

func documentURL(id string) string { return "/archive/documents/" + url.PathEscape(id) }
