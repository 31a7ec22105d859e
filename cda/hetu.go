package cda

import (
	"strings"
	"time"
)

// HetuFault tells what is wrong with a personal identity code.
type HetuFault uint8

// The faults of a personal identity code, in the order of checking.
const (
	HetuOk HetuFault = iota
	// HetuLength: not eleven characters.
	HetuLength
	// HetuCharacter: a letter where digits belong.
	HetuCharacter
	// HetuCentury: a century sign that is not one.
	HetuCentury
	// HetuDate: a day that does not exist.
	HetuDate
	// HetuIndividual: an individual number below 002.
	HetuIndividual
	// HetuCheck: a wrong check character.
	HetuCheck
)

// String names the fault for a finding's parameter.
func (f HetuFault) String() string {
	return [...]string{"", "length", "character", "century sign", "date", "individual number", "check character"}[f]
}

// checkCharacters are the check characters by remainder of the nine digits by 31.
const checkCharacters = "0123456789ABCDEFHJKLMNPRSTUVWXY"

// hetuLength is the length of a code: DDMMYY, century sign, NNN, check character.
const hetuLength = 11

// Hetu is a personal identity code (henkilötunnus; kanta-interface 1.6).
type Hetu struct {
	// Value is the code in capitals.
	Value string
	// Born is the date of birth, at midnight UTC.
	Born time.Time
	// Individual is the individual number, 2 to 999.
	Individual int
	// Female tells that the individual number is even.
	Female bool
	// Test tells that the code is one of the 900 series, which no real person has.
	Test bool
}

// ParseHetu reads a personal identity code; letters of either case.
func ParseHetu(s string) (Hetu, HetuFault) {
	if len(s) != hetuLength {
		return Hetu{}, HetuLength
	}
	var b [hetuLength]byte
	copy(b[:], s)
	h, fault := parseHetu(&b)
	return h, fault
}

func parseHetu(b *[hetuLength]byte) (Hetu, HetuFault) {
	for i, c := range b {
		if c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
	}
	nine := 0
	for i := 0; i < 10; i++ {
		if i == 6 {
			continue
		}
		if b[i] < '0' || b[i] > '9' {
			return Hetu{}, HetuCharacter
		}
		nine = nine*10 + int(b[i]-'0')
	}
	century := centuryOf(b[6])
	if century == 0 {
		return Hetu{}, HetuCentury
	}
	day, month, year := nine/10_000_000, nine/100_000%100, century+nine/1000%100
	if month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return Hetu{}, HetuDate
	}
	individual := nine % 1000
	if individual < 2 {
		return Hetu{}, HetuIndividual
	}
	if b[10] != checkCharacters[nine%31] {
		return Hetu{}, HetuCheck
	}
	return Hetu{
		Value: string(b[:]), Born: time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC),
		Individual: individual, Female: individual%2 == 0, Test: individual >= 900,
	}, HetuOk
}

// centuryOf gives 1800, 1900 or 2000 of a century sign in capitals, else 0.
func centuryOf(sign byte) int {
	switch {
	case sign == '+':
		return 1800
	case sign == '-' || sign >= 'U' && sign <= 'Y':
		return 1900
	case sign >= 'A' && sign <= 'F':
		return 2000
	default:
		return 0
	}
}

// FormatHetu makes the code of a date of birth and an individual number (0–999),
// with the first century sign of its century. It is meant for test persons: ask
// for 900 to 999.
func FormatHetu(born time.Time, individual int) string {
	nine := (born.Day()*10000+int(born.Month())*100+born.Year()%100)*1000 + individual%1000
	sign := byte('A')
	switch {
	case born.Year() < 1900:
		sign = '+'
	case born.Year() < 2000:
		sign = '-'
	}
	var b strings.Builder
	for i, unit := 0, 100_000_000; i < 9; i, unit = i+1, unit/10 {
		if i == 6 {
			b.WriteByte(sign)
		}
		b.WriteByte('0' + byte(nine/unit%10))
	}
	b.WriteByte(checkCharacters[nine%31])
	return b.String()
}

// FindHetus calls found for each valid personal identity code in b that no
// letter or digit touches, with its offset. It stops when found gives false.
// Linear in len(b); it looks at every sixth byte only, as a code begins with six
// digits.
func FindHetus[T string | []byte](b T, found func(offset int, h Hetu) bool) {
	for i := 5; i < len(b); {
		if b[i] < '0' || b[i] > '9' {
			i += 6
			continue
		}
		start, end := i, i+1
		for start > 0 && b[start-1] >= '0' && b[start-1] <= '9' {
			start--
		}
		for end < len(b) && b[end] >= '0' && b[end] <= '9' {
			end++
		}
		if end-start == 6 {
			if h, ok := hetuAt(b, start); ok && !found(start, h) {
				return
			}
		}
		i = end + 6
	}
}

// hetuAt reads the code that begins at start, if one does and stands alone.
func hetuAt[T string | []byte](b T, start int) (Hetu, bool) {
	end := start + hetuLength
	if end > len(b) || start > 0 && alphanumeric(b[start-1]) || end < len(b) && alphanumeric(b[end]) {
		return Hetu{}, false
	}
	var code [hetuLength]byte
	copy(code[:], b[start:end])
	h, fault := parseHetu(&code)
	return h, fault == HetuOk
}

// alphanumeric counts bytes of letters beyond ASCII as letters too.
func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}
