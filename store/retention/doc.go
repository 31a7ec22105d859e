// Package retention tells how long documents are kept (säilytysaika) and plans their
// disposal (hävittäminen): ARK-9, law 703/2023 with its annex (kanta-facts-2 2.4,
// kanta-interface 11.4).
//
// The periods are data (data/annex.yaml), each with the event that starts it. A
// period runs from events that the archive knows: the closing of a case and births as
// documents tell them, deaths and the rest as they are recorded. It is computed each
// time from what is in force, so a changed event changes it at once.
//
// Where several rules apply the longest wins; against the retention class of the
// document (1258) the longer wins, and class 1 (kept permanently) is reported. What
// cannot be told keeps the document: an unknown start, a service task or a class
// that no rule names.
//
// A disposal is a plan that is reviewed: Plan writes it, its hash names it, and Apply
// carries out what is still due then.
package retention
