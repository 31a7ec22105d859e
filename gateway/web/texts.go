package web

import (
	"cmp"
	"net/url"
	"strconv"
	"time"

	"portti/cda"
	"portti/cda/codes"
	"portti/cda/rules/catalogue"
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

// typeOf gives the specific type of a document, or else the general one.
func (s *Site) typeOf(lang catalogue.Lang, x *store.Index) coded {
	return s.coded(lang, systemType, cmp.Or(x.SpecificType, x.GeneralType), "")
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
