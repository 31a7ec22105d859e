package sosmeta

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// showWords are the words of Show, in the order of the languages fi, sv, en.
var showWords = map[string][3]string{
	"required":    {"pakollinen", "obligatorisk", "required"},
	"conditional": {"ehdollinen", "villkorlig", "conditional"},
	"optional":    {"valinnainen", "frivillig", "optional"},
	"group":       {"ryhmä", "grupp", "group"},
	"codes":       {"koodisto", "kodsystem", "code system"},
	"own":         {"sisäinen luokitus", "intern klassifikation", "internal classification"},
	"accepted":    {"sallitut", "tillåtna", "accepted"},
	"leaf":        {"vain alimman tason koodit", "endast koder på lägsta nivå", "leaf codes only"},
	"phrase":      {"kiinteä teksti", "fast text", "fixed text"},
	"type":        {"tyyppi", "typ", "type"},
	"subject":     {"aihe", "ämne", "subject"},
	"author":      {"laatija", "upprättare", "author"},
	"valid":       {"voimassa", "gäller", "valid"},
	"versions":    {"versiot", "versioner", "versions"},
	"chars":       {"merkkiä", "tecken", "characters"},
}

// representationWords are the names of representations in Swedish and English.
var representationWords = map[Representation][2]string{
	Text: {"text", "text"}, Name: {"namn", "name"}, Coded: {"kod", "code"}, Date: {"datum", "date"},
	Identifier: {"identifierare", "identifier"}, Switch: {"brytare", "switch"}, Heading: {"rubrik", "heading"},
	Quantity: {"mängd", "quantity"}, Measure: {"mått", "measure"}, Percent: {"procent", "percent"}, Phrase: {"fras", "phrase"},
	Moment: {"tidpunkt", "time"}, Numeric: {"nummer", "number"}, Count: {"antal", "count"}, Signature: {"underskrift", "signature"},
}

// Show writes a structure as a tree that a person can read, with the names and
// words of lang ("fi", "sv", else English with Finnish names). id is the full OID,
// the OID without version or the bare code of the document type: then the newest
// version is shown.
func (s *Set) Show(w io.Writer, id, lang string) error {
	st, err := s.Find(id)
	if err != nil {
		return err
	}
	p := &printer{lang: lang}
	p.head(s, st)
	p.fields(st.Root(), "")
	_, err = io.WriteString(w, p.b.String())
	return err
}

// Find gives a structure by its full OID, its OID without version or the bare code
// of the document type: then the newest version. The error says what is known.
func (s *Set) Find(id string) (*Structure, error) {
	if st, ok := s.byOID[id]; ok {
		return st, nil
	}
	for _, base := range []string{id, typeArc + "." + id} {
		if v := s.byBase[base]; len(v) > 0 {
			return v[len(v)-1], nil
		}
	}
	if base, _, err := splitOID(id); err == nil && len(s.byBase[base]) > 0 {
		var known []string
		for _, v := range s.byBase[base] {
			known = append(known, v.OID)
		}
		return nil, fmt.Errorf("no version %s; known: %s", id, strings.Join(known, ", "))
	}
	return nil, fmt.Errorf("no structure %q; see portti sosmeta list", id)
}

type printer struct {
	b    strings.Builder
	lang string
}

func (p *printer) word(key string) string {
	i := slices.Index([]string{"fi", "sv"}, p.lang)
	if i < 0 {
		i = 2
	}
	return showWords[key][i]
}

func (p *printer) head(s *Set, st *Structure) {
	title := st.TitleFI
	if p.lang == "sv" {
		title = orFI(st)
	}
	fmt.Fprintf(&p.b, "%s\n%s\n", title, st.OID)
	for _, l := range []struct{ key, value string }{
		{"type", st.Type}, {"subject", strings.Join(strings.Fields(st.Subject), " ")}, {"author", st.Author},
		{"valid", strings.TrimSpace(day(st.ValidFrom) + " – " + day(st.ValidTo))},
	} {
		fmt.Fprintf(&p.b, "%s: %s\n", p.word(l.key), l.value)
	}
	if v := s.byBase[st.Base]; len(v) > 1 {
		var days []string
		for _, x := range v {
			days = append(days, day(x.Version))
		}
		fmt.Fprintf(&p.b, "%s: %s\n", p.word("versions"), strings.Join(days, ", "))
	}
	p.b.WriteByte('\n')
}

func (p *printer) fields(f *Field, indent string) {
	for i, c := range f.Fields {
		branch, deeper := "├─ ", "│  "
		if i == len(f.Fields)-1 {
			branch, deeper = "└─ ", "   "
		}
		if f.Key == "" {
			branch, deeper = "", ""
		}
		p.b.WriteString(indent + branch + p.line(c) + "\n")
		if c.composite() {
			p.fields(c, indent+deeper)
		}
	}
}

// composite tells whether the field's parts are fields of their own, not those of
// a code, identifier or quantity.
func (f *Field) composite() bool {
	switch f.Representation {
	case Coded, Identifier, Quantity, Measure, Percent:
		return false
	}
	return len(f.Fields) > 0
}

// line describes one field: key, repetition, name, representation, obligation, codes.
func (p *printer) line(f *Field) string {
	key := f.Key
	if f.Repeats {
		key += fmt.Sprintf(" [%d..*]", f.MinItems)
	}
	parts := []string{key, f.Name(p.lang), p.representation(f), p.word([]string{"optional", "required", "conditional"}[f.Obligation])}
	if f.Representation == Coded {
		parts = append(parts, p.coded(f)...)
	}
	if f.SystemURI != "" {
		parts = append(parts, f.SystemURI)
	}
	if f.Phrases != nil {
		parts = append(parts, p.word("phrase"))
	}
	if f.MinLength > 1 {
		parts = append(parts, fmt.Sprintf("≥ %d %s", f.MinLength, p.word("chars")))
	}
	return strings.Join(parts, " · ")
}

func (p *printer) representation(f *Field) string {
	if f.Representation == "" {
		return p.word("group")
	}
	words, ok := representationWords[f.Representation]
	switch {
	case p.lang == "fi" || !ok:
		return strings.ToLower(string(f.Representation))
	case p.lang == "sv":
		return words[0]
	}
	return words[1]
}

func (p *printer) coded(f *Field) []string {
	out := []string{p.word("own")}
	if f.System != "" {
		out[0] = p.word("codes") + " " + f.System
	}
	if c := f.Child("code"); c != nil && c.Accepted != nil {
		out = append(out, p.word("accepted")+": "+strings.Join(c.Accepted, ", "))
	}
	if f.LeafOnly {
		out = append(out, p.word("leaf"))
	}
	return out
}
