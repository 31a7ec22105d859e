package web

import (
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// words are the pages' own words in one language.
type words struct {
	Skip, Catalogue, Intro, Language, Search, Query, Area, All, Severity, Show string
	Rules, Rule, Title, None, Back, NoRule, Meant, Not                         string
	Error, Warning, Info                                                       string
	What, Hint, Wrong, Right, Facts, Strict, Lenient, Stage, Requirement       string
	Reference, Certainty, Code, Retry, Yes, No, Shown                          string
}

var wordsIn = map[catalogue.Lang]*words{
	catalogue.Finnish: {
		Skip: "Siirry sisältöön", Catalogue: "Virheluettelo",
		Intro:    "Kaikki säännöt, joita tämä palvelu tarkistaa. Säännön tunnus ei koskaan muutu.",
		Language: "Kieli", Search: "Rajaa luetteloa", Query: "Hakusana", Area: "Alue", All: "kaikki", Severity: "Vakavuus", Show: "Näytä",
		Rules: "Sääntöjä", Rule: "Sääntö", Title: "Otsikko", None: "Yksikään sääntö ei vastaa rajausta.", Back: "Kaikki säännöt",
		NoRule: "Sääntöä ei ole", Meant: "Tarkoititko jotakin näistä?", Not: "Tämä ei ole Kelan palvelu eikä sertifioitu.",
		Error: "virhe", Warning: "huomautus", Info: "tieto",
		What: "Mitä vikana", Hint: "Miten korjataan", Wrong: "Väärin", Right: "Oikein", Facts: "Tiedot",
		Strict: "Vakavuus (strict)", Lenient: "Vakavuus (lenient)", Stage: "Vaihe", Requirement: "Vaatimus", Reference: "Lähde",
		Certainty: "Varmuus", Code: "Virhekoodi", Retry: "Voi lähettää uudelleen sellaisenaan", Yes: "kyllä", No: "ei", Shown: "Arvo näytetään",
	},
	catalogue.Swedish: {
		Skip: "Gå till innehållet", Catalogue: "Felkatalog",
		Intro:    "Alla regler som denna tjänst kontrollerar. En regels beteckning ändras aldrig.",
		Language: "Språk", Search: "Begränsa listan", Query: "Sökord", Area: "Område", All: "alla", Severity: "Allvarlighet", Show: "Visa",
		Rules: "Regler", Rule: "Regel", Title: "Rubrik", None: "Ingen regel motsvarar begränsningen.", Back: "Alla regler",
		NoRule: "Regeln finns inte", Meant: "Menade du någon av dessa?", Not: "Detta är inte FPA:s tjänst och inte certifierat.",
		Error: "fel", Warning: "anmärkning", Info: "uppgift",
		What: "Vad är fel", Hint: "Så rättas det", Wrong: "Fel", Right: "Rätt", Facts: "Uppgifter",
		Strict: "Allvarlighet (strict)", Lenient: "Allvarlighet (lenient)", Stage: "Skede", Requirement: "Krav", Reference: "Källa",
		Certainty: "Säkerhet", Code: "Felkod", Retry: "Kan skickas på nytt oförändrat", Yes: "ja", No: "nej", Shown: "Värdet visas",
	},
	catalogue.English: {
		Skip: "Skip to content", Catalogue: "Error catalogue",
		Intro:    "Every rule that this service checks. A rule's id never changes.",
		Language: "Language", Search: "Narrow the list", Query: "Search word", Area: "Area", All: "all", Severity: "Severity", Show: "Show",
		Rules: "Rules", Rule: "Rule", Title: "Title", None: "No rule matches.", Back: "All rules",
		NoRule: "There is no such rule", Meant: "Did you mean one of these?", Not: "Not Kela's, not certified.",
		Error: "error", Warning: "warning", Info: "info",
		What: "What is wrong", Hint: "What to do", Wrong: "Wrong", Right: "Right", Facts: "Facts",
		Strict: "Severity (strict)", Lenient: "Severity (lenient)", Stage: "Stage", Requirement: "Requirement", Reference: "Reference",
		Certainty: "Certainty", Code: "Error code", Retry: "May be sent again unchanged", Yes: "yes", No: "no", Shown: "Value is shown",
	},
}

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
