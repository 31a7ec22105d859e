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

// breakable lets a long OID stand in up to three lines, broken after dots.
func breakable(id string) template.HTML {
	if len(id) < 20 || strings.Trim(id, "0123456789.") != "" {
		return template.HTML(template.HTMLEscapeString(id))
	}
	n := len(id)
	for _, third := range []int{2, 1} { // from the end, as what is put in moves the rest
		if at := third * n / 3; strings.Contains(id[at:], ".") {
			at += strings.IndexByte(id[at:], '.') + 1
			id = id[:at] + "<wbr>" + id[at:]
		}
	}
	return template.HTML(id) // digits and dots
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
