// Package rules judges what a document and its frame say: what each document
// group must say, codes, identifiers, times, versions, persons, bodies, and
// whether frame and document agree.
//
//	findings := rules.Check(rules.Input{Frame: f, Doc: d, Body: body, Profile: p, World: w, Now: now})
//
// Check is a pure function of its Input: every door gives the same findings. It
// knows nothing of an archive; what depends on stored documents is judged there.
//
// Facts are data: data/fields.yaml (the fields), data/obligations.yaml (what each
// group must say), data/codes.yaml (codes without code system), each with its
// source. A Book holds them; a user's file can override them. Code systems come
// from package codes, the structures of JSON bodies from package sosmeta.
package rules

//go:generate go run ./gen
