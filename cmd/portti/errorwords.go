package main

import (
	"portti/cda/rules/catalogue"
	"portti/internal/finding"
)

// catalogueWords are the words of `portti errors` in one language.
type catalogueWords struct {
	severity, stage, requirement, reference, certainty, code string
	wrong, right, retry, shown, yes, no                      string
	assumedTables, assumedRules                              string
	severities                                               [3]string // by finding.Severity
}

var errorWords = map[catalogue.Lang]*catalogueWords{
	catalogue.Finnish: {
		severity: "vakavuus", stage: "vaihe", requirement: "vaatimus", reference: "lähde", certainty: "varmuus", code: "virhekoodi",
		wrong: "väärin", right: "oikein", retry: "voi lähettää uudelleen sellaisenaan", shown: "arvo näytetään", yes: "kyllä", no: "ei",
		assumedTables: "Taulukoiden paikalliset oletukset", assumedRules: "Paikallisiin oletuksiin perustuvat säännöt",
		severities: [3]string{finding.Info: "tieto", finding.Warning: "huomautus", finding.Error: "virhe"},
	},
	catalogue.Swedish: {
		severity: "allvarlighet", stage: "skede", requirement: "krav", reference: "källa", certainty: "säkerhet", code: "felkod",
		wrong: "fel", right: "rätt", retry: "kan skickas på nytt oförändrat", shown: "värdet visas", yes: "ja", no: "nej",
		assumedTables: "Lokala antaganden i tabeller", assumedRules: "Regler som vilar på lokala antaganden",
		severities: [3]string{finding.Info: "uppgift", finding.Warning: "anmärkning", finding.Error: "fel"},
	},
	catalogue.English: {
		severity: "severity", stage: "stage", requirement: "requirement", reference: "reference", certainty: "certainty", code: "error code",
		wrong: "wrong", right: "right", retry: "may be sent again unchanged", shown: "value is shown", yes: "yes", no: "no",
		assumedTables: "Local assumptions in tables", assumedRules: "Rules that rest on local assumptions",
		severities: [3]string{finding.Info: "info", finding.Warning: "warning", finding.Error: "error"},
	},
}
