package migrate

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"portti/internal/style"
)

//go:embed summary.html
var summaryHTML string

var summaryPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("summary").Parse(style.Alone + summaryHTML))
})

// words of the summary in Finnish, Swedish and English.
var words = map[string]Words{
	"Figures": {"Luvut", "Siffror", "Figures"}, "Kind": {"Laji", "Slag", "Kind"}, "Problems": {"Ongelmat", "Problem", "Problems"},
	"Warnings": {"Huomautukset", "Anmärkningar", "Warnings"}, "Problem": {"Ongelma", "Problem", "Problem"}, "Count": {"Määrä", "Antal", "Count"},
	"Meaning": {"Merkitys ja korjaus", "Betydelse och åtgärd", "Meaning and remedy"}, "Examples": {"Esimerkkejä", "Exempel", "Examples"},
	"Row": {"rivi", "rad", "row"}, "Made": {"asiakirja", "handling", "document"}, "Reconciliation": {"Täsmäytys", "Avstämning", "Reconciliation"}, "Rows": {"Lähteen rivit", "Källans rader", "Rows of the source"},
	"Complete":   {"Kaikki täsmää: jokaisella rivillä on lopputulos, ja arkistossa on kaikki, minkä se on kuitannut.", "Allt stämmer: varje rad har ett utfall och arkivet har allt som det har kvitterat.", "Complete: every row has its end, and the archive holds all that it acknowledged."},
	"Incomplete": {"Ei täsmää vielä.", "Stämmer ännu inte.", "Not complete."}, "Asked": {"Kysytty arkistolta", "Frågat av arkivet", "Asked of the archive"},
	"Lost": {"arkistosta puuttuu", "saknas i arkivet", "not in the archive:"},
	"Held": {"Arkistossa", "I arkivet", "Held by the archive"}, "Open": {"Vielä lähettämättä", "Ännu inte sända", "Still to be sent"},
	"archived": {"arkistoitu", "arkiverad", "archived"}, "rejected": {"arkisto hylkäsi", "avvisad av arkivet", "rejected"}, "waiting": {"lähettämättä", "osänd", "waiting"},
	"later": {"lähetetään uudelleen", "sänds på nytt", "to send again"}, "refused": {"jätetty pois", "utelämnad", "refused"}, "duplicate": {"kaksoiskappale", "dubblett", "duplicate"},
	"document": {"asiakirja", "handling", "document"}, "relationship": {"asiakkuusasiakirja", "klientrelationshandling", "relationship"}, "case": {"asia-asiakirja", "ärendehandling", "case"},
	"Size": {"Koko", "Storlek", "Size"}, "Mean": {"Vastausaika keskimäärin", "Svarstid i medeltal", "Mean answer"}, "Most": {"Pisin vastausaika", "Längsta svarstid", "Longest answer"},
	"First": {"Ensimmäinen vastaus", "Första svaret", "First answer"}, "Last": {"Viimeinen vastaus", "Sista svaret", "Last answer"}, "Time": {"Lähettäminen kestäisi noin", "Sändningen tar ungefär", "Sending would take about"},
}

var stateOrder = []string{"archived", "waiting", "later", "rejected", "refused", "duplicate"}
var kindOrder = []string{"document", "case", "relationship"}

type named struct{ Name, Value string }

// bar is a state's part of the picture, which is a hundred wide.
type bar struct {
	State, Name string
	Count       int64
	From, Width string
}

// spread gives each bar its place.
func spread(bars []bar) {
	var all, before int64
	for _, b := range bars {
		all += b.Count
	}
	percent := func(n int64) string { return strconv.FormatFloat(100*float64(n)/float64(all), 'f', 3, 64) }
	for i := range bars {
		bars[i].From, bars[i].Width = percent(before), percent(bars[i].Count)
		before += bars[i].Count
	}
}

type countRow struct {
	Name   string
	Counts []int64
}

type problemList struct {
	Title    string
	Problems []*Problem
}

// page is the summary in one language, as HTML and text show it.
type page struct {
	S      *Summary
	Head   style.Head
	W      map[string]string
	Bar    []bar
	States []named
	Kinds  []countRow
	Facts  []named
	Lists  []problemList
}

func (s *Summary) page(lang string) *page {
	p := &page{S: s, Head: style.Head{Lang: lang, Title: s.Title}, W: map[string]string{}}
	for k, w := range words {
		p.W[k] = w.In(lang)
	}
	var shown []string
	for _, st := range stateOrder {
		var n int64
		for _, k := range kindOrder {
			n += s.States[k][st]
		}
		if n > 0 {
			shown = append(shown, st)
			p.States = append(p.States, named{Name: p.W[st]})
			p.Bar = append(p.Bar, bar{State: st, Name: p.W[st], Count: n})
		}
	}
	spread(p.Bar)
	for _, k := range kindOrder {
		row := countRow{Name: p.W[k]}
		for _, st := range shown {
			row.Counts = append(row.Counts, s.States[k][st])
		}
		if s.States[k] != nil {
			p.Kinds = append(p.Kinds, row)
		}
	}
	p.facts()
	p.Lists = []problemList{{p.W["Problems"], s.Problems}, {p.W["Warnings"], s.Warnings}}
	return p
}

func (p *page) facts() {
	s := p.S
	add := func(word, value string) { p.Facts = append(p.Facts, named{p.W[word], value}) }
	add("Size", fmt.Sprintf("%.1f MB", float64(s.Bytes)/1e6))
	if s.Estimate > 0 {
		add("Time", s.Estimate.Round(time.Second).String())
	}
	if !s.First.IsZero() {
		add("First", s.First.Format(time.RFC3339))
		add("Last", s.Last.Format(time.RFC3339))
		add("Mean", fmt.Sprintf("%d ms", s.MeanMS))
		add("Most", fmt.Sprintf("%d ms", s.MostMS))
	}
}

// maxShown is how many missing documents a terminal gets; the page has all of them.
const maxShown = 10

// HTML writes the summary as a page without scripts or anything to fetch.
func (s *Summary) HTML(w io.Writer, lang string) error { return summaryPage().Execute(w, s.page(lang)) }

// Text writes the summary as tables.
func (s *Summary) Text(w io.Writer, lang string) error {
	p := s.page(lang)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprint(t, p.W["Kind"])
	for _, st := range p.States {
		fmt.Fprintf(t, "\t%s", st.Name)
	}
	fmt.Fprintln(t)
	for _, k := range p.Kinds {
		fmt.Fprint(t, k.Name)
		for _, n := range k.Counts {
			fmt.Fprintf(t, "\t%d", n)
		}
		fmt.Fprintln(t)
	}
	for _, f := range p.Facts {
		fmt.Fprintf(t, "%s\t%s\n", f.Name, f.Value)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range p.Lists {
		if len(l.Problems) > 0 {
			fmt.Fprintf(w, "\n%s\n", l.Title)
		}
		for _, x := range l.Problems {
			fmt.Fprintf(w, "%6d  %s  %s\n        %s\n", x.Count, x.ID, x.Text, x.Remedy)
			for _, e := range x.Examples {
				if e.Row == 0 {
					fmt.Fprintf(w, "        %s %s %s\n", p.W["Made"], e.Document, e.Detail)
					continue
				}
				fmt.Fprintf(w, "        %s %d %s %s\n", p.W["Row"], e.Row, e.OldID, e.Detail)
			}
		}
	}
	if r := s.Reconciled; r != nil {
		verdict := p.W["Incomplete"]
		if r.Complete() {
			verdict = p.W["Complete"]
		}
		fmt.Fprintf(w, "\n%s (%s): %s\n  %s %d, %s %d, %s %d, %s %d\n", p.W["Reconciliation"], r.By, verdict,
			p.W["Rows"], r.Rows, p.W["Asked"], r.Asked, p.W["Held"], r.Held, p.W["Open"], r.Open)
		for i, id := range r.Missing {
			if i == maxShown {
				fmt.Fprintln(w, "  …")
				break
			}
			fmt.Fprintf(w, "  %s %s\n", p.W["Lost"], id)
		}
	}
	return nil
}
