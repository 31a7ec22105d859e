// Package organisations knows who is who in social welfare: the national register
// of organisations and their units (SOTE-organisaatiorekisteri), and what an
// archive knows beside it: joined systems, contracts between organisers and
// providers, and the registers of controllers.
//
//	list, err := codes.ImportFiles(organisations.RegisterOID, now, "register.xml")
//	register, err := organisations.FromList(list[0], true)
//	d := organisations.NewDirectory(register, joined)
//	d.Belongs(unit, organiser, at)
//
// A Directory is one state of all that: read-only, safe for concurrent use, and
// nil-safe, a nil one knowing nothing. Nothing here is told from the arc of an OID:
// a unit's arc may be another's than its organisation's (kanta-interface 5.5), so
// only the register says where it belongs.
//
// The package reads the export forms of the national code server (kanta-facts-2 1.5
// and 5) through package codes, and a YAML file of one's own for the rest. It keeps
// nothing: package store does.
package organisations
