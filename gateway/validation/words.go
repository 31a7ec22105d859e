package validation

import (
	"fmt"
	"strconv"

	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// words are the answers' own words in one language.
type words struct {
	sources map[finding.Source]string
	// titles of problems by code.
	titles map[string]string
	// count tells how many errors, warnings and infos there are.
	count string
}

var wordsIn = map[catalogue.Lang]*words{
	catalogue.Finnish: {
		sources: map[finding.Source]string{
			finding.SourceRequest: "pyyntö", finding.SourceFrame: "siirtokehys", finding.SourceMIME: "MIME", finding.SourceDocument: "asiakirja",
			finding.SourceXHTML: "XHTML", finding.SourceJSON: "JSON", finding.SourcePDF: "PDF", finding.SourceAttachment: "liite",
		},
		titles: map[string]string{
			codeInvalid: "Asiakirja ei kelpaa", codeRequest: "Pyyntö on virheellinen", codeMethod: "Väärä HTTP-metodi",
			codeMedia: "Mediatyyppiä ei tueta", codeTooLarge: "Pyyntö on liian suuri", codeBusy: "Palvelu on varattu", codeFailure: "Järjestelmävirhe",
		},
		count: "Virheitä %d, huomautuksia %d, tietoja %d.",
	},
	catalogue.Swedish: {
		sources: map[finding.Source]string{
			finding.SourceRequest: "begäran", finding.SourceFrame: "ramen", finding.SourceMIME: "MIME", finding.SourceDocument: "dokumentet",
			finding.SourceXHTML: "XHTML", finding.SourceJSON: "JSON", finding.SourcePDF: "PDF", finding.SourceAttachment: "bilagan",
		},
		titles: map[string]string{
			codeInvalid: "Dokumentet godkänns inte", codeRequest: "Begäran är felaktig", codeMethod: "Fel HTTP-metod",
			codeMedia: "Medietypen stöds inte", codeTooLarge: "Begäran är för stor", codeBusy: "Tjänsten är upptagen", codeFailure: "Systemfel",
		},
		count: "Fel %d, anmärkningar %d, uppgifter %d.",
	},
	catalogue.English: {
		sources: map[finding.Source]string{
			finding.SourceRequest: "request", finding.SourceFrame: "frame", finding.SourceMIME: "MIME", finding.SourceDocument: "document",
			finding.SourceXHTML: "XHTML", finding.SourceJSON: "JSON", finding.SourcePDF: "PDF", finding.SourceAttachment: "attachment",
		},
		titles: map[string]string{
			codeInvalid: "The document is not valid", codeRequest: "The request is faulty", codeMethod: "Wrong HTTP method",
			codeMedia: "The media type is not supported", codeTooLarge: "The request is too large", codeBusy: "The service is busy", codeFailure: "System failure",
		},
		count: "Errors %d, warnings %d, infos %d.",
	},
}

func wordsOf(lang catalogue.Lang) *words {
	if w, ok := wordsIn[lang]; ok {
		return w
	}
	return wordsIn[catalogue.English]
}

// place names where a finding points: part, line and column.
func (w *words) place(f *catalogue.Resolved) string {
	name := w.sources[f.Source]
	switch {
	case name == "":
		return ""
	case f.Line == 0:
		return name
	default:
		return name + " " + strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column)
	}
}

func (w *words) counted(fs []catalogue.Resolved) string {
	var n [3]int
	for i := range fs {
		n[fs[i].Severity]++
	}
	return fmt.Sprintf(w.count, n[finding.Error], n[finding.Warning], n[finding.Info])
}
