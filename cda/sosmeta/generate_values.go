package sosmeta

import (
	"fmt"
	"strings"
	"time"
)

// words are what generated texts consist of.
var words = []string{"esimerkki", "testi", "kuvaus", "arvio", "käynti", "päivä", "työ", "koti", "lapsi", "perhe", "tuki", "suunnitelma",
	"yhteistyö", "ääni", "öljy", "å", "€", "5 %", "\"lainaus\"", "a/b", "rivi\nvaihto", "sarkain\tkohta", "🙂"}

var (
	surnames   = []string{"Testaaja", "Esimerkki", "Mallinen", "Harjoitus-Koe", "Ääninen"}
	givenNames = []string{"Testi Maija", "Koe", "Malli Matti", "Åsa", "Päivi"}
)

// person keeps what the fields of one object must agree on.
type person struct {
	birth   time.Time
	surname string
	given   string
	code    string
}

func (g *generator) person() *person {
	p := &person{birth: time.Date(1930+g.rnd.IntN(90), time.Month(1+g.rnd.IntN(12)), 1+g.rnd.IntN(28), 0, 0, 0, 0, time.UTC)}
	p.surname, p.given = surnames[g.rnd.IntN(len(surnames))], givenNames[g.rnd.IntN(len(givenNames))]
	p.code = identityCode(p.birth, 900+g.rnd.IntN(100))
	return p
}

// identityCode makes a personal identity code (kanta-interface 1.6).
func identityCode(birth time.Time, individual int) string {
	digits := birth.Format("020106") + fmt.Sprintf("%03d", individual)
	n := 0
	for _, c := range digits {
		n = (n*10 + int(c-'0')) % 31
	}
	sign := "-"
	if birth.Year() >= 2000 {
		sign = "A"
	}
	return digits[:6] + sign + digits[6:] + string("0123456789ABCDEFHJKLMNPRSTUVWXY"[n])
}

// fill puts the person's data into a field of the object.
func (p *person) fill(v *node) {
	switch v.field.fact {
	case FactSurname:
		v.set(p.surname)
	case FactGivenNames:
		v.set(p.given)
	case FactBirthDate:
		v.set(p.birth.Format(time.DateOnly))
	case FactIdentityCode:
		v.setID(identityCodeSystem, p.code)
	case FactTemporaryID:
		v.setID("1.2.246.10.99999901.22.2025", p.code)
	}
}

func (v *node) set(text string) {
	if v.typ == TypeString {
		v.text = text
	}
}

func (v *node) setID(system, value string) {
	if v.typ != TypeObject {
		return
	}
	if c := v.child("system"); c != nil {
		c.set(system)
	}
	if c := v.child("value"); c != nil {
		c.set(value)
	}
}

func (g *generator) number() string {
	switch g.rnd.IntN(4) {
	case 0:
		return fmt.Sprintf("%d.%d", g.rnd.IntN(100), g.rnd.IntN(100))
	default:
		return fmt.Sprint(1 + g.rnd.IntN(99))
	}
}

// text makes a string that the field takes.
func (g *generator) text(f *Field) string {
	switch {
	case f.Phrases != nil:
		return g.phrase(f)
	case f.Accepted != nil:
		return f.Accepted[g.rnd.IntN(len(f.Accepted))]
	}
	switch f.match.class {
	case matchDate:
		return g.date()
	case matchMoment:
		return g.moment()
	case matchSystem:
		return f.match.prefix + ".2025"
	case matchRegexp:
		g.err = fmt.Errorf("%s: no text can be made for pattern %s", f.Path(), f.Pattern)
		return ""
	}
	switch f.role {
	case identifierRole:
		return fmt.Sprintf("1.2.246.10.99999901.%d", 1+g.rnd.IntN(1_000_000))
	case unitRole:
		return "1"
	}
	return g.words(max(1, f.MinLength))
}

func (g *generator) words(atLeast int) string {
	n := 1
	if g.o.Mode == Random {
		n += g.rnd.IntN(12)
	}
	list := make([]string, n)
	for i := range list {
		list[i] = words[g.rnd.IntN(len(words))]
	}
	s := strings.Join(list, " ")
	for len([]rune(s)) < atLeast {
		s += " lisää"
	}
	return s
}

func (g *generator) phrase(f *Field) string {
	for _, h := range f.Phrases {
		if s, ok := g.o.Phrases[h]; ok {
			return s
		}
	}
	return PhraseMark
}

func (g *generator) day() time.Time { return g.o.At.AddDate(0, 0, g.rnd.IntN(60)-30) }

func (g *generator) date() string {
	if g.o.Mode == Random {
		switch g.rnd.IntN(8) {
		case 0:
			return g.day().Format("2006")
		case 1:
			return g.day().Format("2006-01")
		}
	}
	return g.day().Format(time.DateOnly)
}

func (g *generator) moment() string {
	if g.o.Mode == Random && g.chance(20) {
		return g.date()
	}
	clock := time.Duration(g.rnd.IntN(24*60*60)) * time.Second
	zone := []string{"Z", "+02:00", "+03:00"}[g.rnd.IntN(3)]
	fraction := ""
	if g.o.Mode == Random && g.chance(30) {
		fraction = fmt.Sprintf(".%d", g.rnd.IntN(1000))
	}
	return g.day().Truncate(24*time.Hour).Add(clock).Format("2006-01-02T15:04:05") + fraction + zone
}

// fillCoded gives a coded value a code and display name that belong together.
func (g *generator) fillCoded(n *node) {
	if n.field.Representation != Coded {
		return
	}
	code, display := n.child("code"), n.child("display")
	if code == nil || display == nil {
		return
	}
	display.set("koodi " + code.text)
	if code.field.Accepted != nil {
		return
	}
	if g.o.Codes != nil {
		if c, d, version, ok := g.o.Codes(n.field.System); ok {
			code.set(c)
			display.set(d)
			if s := n.child("system"); s != nil && s.field.match.class == matchSystem && version != "" {
				s.set(s.field.match.prefix + "." + version)
			}
			return
		}
	}
	if n.field.fact == FactUnit {
		code.set(fmt.Sprintf("1.2.246.10.99999901.10.%d", g.rnd.IntN(20)))
		display.set("Testiyksikkö")
		return
	}
	code.set(fmt.Sprint(1 + g.rnd.IntN(40)))
	display.set("koodi " + code.text)
}
