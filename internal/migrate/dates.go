package migrate

import (
	"strconv"
	"strings"
	"time"

	"portti/cda"
)

// dateForms are the forms that old systems write, day before month. A trailing
// time is kept.
var dateForms = []string{
	"2006-1-2", "2.1.2006", "2/1/2006", "2-1-2006", "20060102", "2006/1/2", "2006.1.2", "2.1.06", "2/1/06",
	"2 January 2006", "2 Jan 2006",
}

var timeForms = []string{"", " 15:04:05", " 15:04", " 15.04", "T15:04:05", "T15:04"}

// finnishMonths are the names of months in their partitive, as dates write them.
var finnishMonths = strings.NewReplacer(
	"tammikuuta", "January", "helmikuuta", "February", "maaliskuuta", "March", "huhtikuuta", "April", "toukokuuta", "May",
	"kesäkuuta", "June", "heinäkuuta", "July", "elokuuta", "August", "syyskuuta", "September", "lokakuuta", "October",
	"marraskuuta", "November", "joulukuuta", "December", "klo ", "", "kl. ", "")

// parseDate reads a date or time in Finnish local time; ok is false for anything
// that is none. A bare number of five digits is a day of a spreadsheet.
func parseDate(s string, monthFirst bool) (t time.Time, ok bool) {
	s = strings.Join(strings.Fields(finnishMonths.Replace(s)), " ")
	if len(s) < 4 || len(s) > 40 {
		return t, false
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(cda.Helsinki()), sensible(t)
	}
	if days, err := strconv.ParseFloat(s, 64); err == nil && days >= 10000 && days < 80000 {
		return spreadsheetDay(days), true
	}
	if !monthFirst || strings.Contains(s, ".") {
		s = strings.Replace(s, ". ", " ", 1) // "3. January 2011"
	}
	for _, form := range dateForms {
		if monthFirst {
			form = strings.NewReplacer("2/1", "1/2").Replace(form)
		}
		for _, clock := range timeForms {
			if t, err := time.ParseInLocation(form+clock, s, cda.Helsinki()); err == nil {
				return t, sensible(t)
			}
		}
	}
	return t, false
}

// sensible: no client of an old system was written about before 1850.
func sensible(t time.Time) bool { return t.Year() >= 1850 && t.Year() < 2200 }

// spreadsheetDay turns a spreadsheet's day number (from 30.12.1899) into a time.
func spreadsheetDay(days float64) time.Time {
	whole := int(days)
	seconds := int((days - float64(whole)) * 86400)
	return time.Date(1899, 12, 30+whole, 0, 0, seconds, 0, cda.Helsinki())
}
