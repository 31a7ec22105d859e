// Package codes knows the national code systems (koodisto, luokitus) as far as
// their values are known or have been imported, and judges codes by them.
//
//	set, err := codes.Open(dataDir)                 // shipped values and imported lists
//	r := set.Check("urn:oid:1.2.246.537.6.1221.201601", "24", at)
//	f, bad := r.Finding("palvelutehtava", place)
//
// A [List] is one version of a code system with its [Code]s. The program ships
// what the sources tell (known.yaml): open lists, in which a missing code may
// exist all the same. Import takes full lists from the national code server: its
// REST answers ([FetchREST], [ParsePages]), its XML export ([ParseXML]) and CSV
// ([ParseCSV]). A full list takes the place of the open one. Several versions
// stand side by side; which one judges a code is told by the version arc that the
// code's system carries, or by the time asked for.
//
// The version arc is the year of adoption: codes may be added or removed under
// the same number (kanta-facts-2 1.5). So each imported list keeps the day of its
// import, and the newest import of a version counts.
package codes
