package report

import (
	"portti/cda/rules"
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// words are a report's own words, in one language.
type words struct {
	Title, Summary, Time, File, Verdict, Findings      string
	Error, Warning, Info, Errors, Warnings, Infos      string
	ID, SetID, Version, NoFindings, NoDocs             string
	Place, Value, Hint, Path                           string
	Requirement, Reference, Contents, Retry, Code, Not string
	Accepted, WithWarnings, Rejected                   string
}

var wordsIn = map[catalogue.Lang]*words{
	catalogue.Finnish: {
		Accepted: "kelpaa", WithWarnings: "kelpaa huomautuksin", Rejected: "hylätään",
		Title: "Validoinnin tulos", Summary: "Yhteenveto", Time: "Aika", File: "Tiedosto", Verdict: "Tulos", Findings: "Löydökset",
		Error: "virhe", Warning: "huomautus", Info: "tieto", Errors: "Virheitä", Warnings: "Huomautuksia", Infos: "Tietoja",
		ID: "Tunniste", SetID: "Alkuperäinen tunniste", Version: "Versio",
		NoFindings: "Ei löydöksiä.", NoDocs: "Yhtään asiakirjaa ei validoitu.",
		Place: "Kohta", Value: "Arvo", Hint: "Ohje", Path: "Polku",
		Requirement: "Vaatimus", Reference: "Lähde", Contents: "Asiakirjat", Code: "Virhekoodi",
		Retry: "Saman sanoman voi lähettää uudelleen.", Not: "Tämä ei ole Kelan palvelu eikä sertifioitu. Henkilötietoja sisältävät arvot on peitetty.",
	},
	catalogue.Swedish: {
		Accepted: "godkänns", WithWarnings: "godkänns med anmärkningar", Rejected: "avvisas",
		Title: "Valideringens resultat", Summary: "Sammandrag", Time: "Tid", File: "Fil", Verdict: "Resultat", Findings: "Fynd",
		Error: "fel", Warning: "anmärkning", Info: "uppgift", Errors: "Fel", Warnings: "Anmärkningar", Infos: "Uppgifter",
		ID: "Identifierare", SetID: "Ursprunglig identifierare", Version: "Version",
		NoFindings: "Inga fynd.", NoDocs: "Inga dokument har validerats.",
		Place: "Ställe", Value: "Värde", Hint: "Råd", Path: "Sökväg",
		Requirement: "Krav", Reference: "Källa", Contents: "Dokument", Code: "Felkod",
		Retry: "Samma meddelande kan skickas på nytt.", Not: "Detta är inte FPA:s tjänst och inte certifierat. Värden med personuppgifter är dolda.",
	},
	catalogue.English: {
		Accepted: "accepted", WithWarnings: "accepted with warnings", Rejected: "rejected",
		Title: "Result of validation", Summary: "Summary", Time: "Time", File: "File", Verdict: "Verdict", Findings: "Findings",
		Error: "error", Warning: "warning", Info: "info", Errors: "Errors", Warnings: "Warnings", Infos: "Infos",
		ID: "Id", SetID: "Set id", Version: "Version",
		NoFindings: "No findings.", NoDocs: "No document was validated.",
		Place: "Place", Value: "Value", Hint: "Hint", Path: "Path",
		Requirement: "Requirement", Reference: "Reference", Contents: "Documents", Code: "Error code",
		Retry: "The same message may be sent again.", Not: "Not Kela's, not certified. Values that hold personal data are masked.",
	},
}

// wordsOf gives the words in lang, the English ones where it is not known.
func wordsOf(lang catalogue.Lang) *words {
	if w, ok := wordsIn[lang]; ok {
		return w
	}
	return wordsIn[catalogue.English]
}

// severity gives the word of a severity.
func (w *words) severity(s finding.Severity) string {
	switch s {
	case finding.Error:
		return w.Error
	case finding.Warning:
		return w.Warning
	default:
		return w.Info
	}
}

// VerdictWord gives a verdict in a language for people.
func VerdictWord(v rules.Verdict, lang catalogue.Lang) string {
	w := wordsOf(lang)
	switch v {
	case rules.Accepted:
		return w.Accepted
	case rules.AcceptedWithWarnings:
		return w.WithWarnings
	default:
		return w.Rejected
	}
}
