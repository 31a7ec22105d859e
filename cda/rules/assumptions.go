package rules

import (
	"strings"

	"portti/cda/frame/interactions"
)

// Assumption is one local assumption in force, or what a user put in the place of one.
type Assumption struct {
	// What is the field, or the entry of the table of interactions, that is assumed.
	What   string
	Groups []string
	Source string
}

// Assumptions lists the local assumptions of a book and what a user put in their
// place, for `portti errors --assumptions`.
func (b *Book) Assumptions() []Assumption {
	var out []Assumption
	for _, row := range b.duty.Rows {
		switch {
		case len(row.Assumed) > 0:
			out = append(out, Assumption{What: row.Field, Groups: row.Assumed, Source: row.Source})
		case row.own:
			out = append(out, Assumption{What: row.Field, Groups: b.duty.Groups, Source: "own obligations: " + row.Letters})
		}
	}
	assumed := map[string]bool{}
	for _, e := range tableEntries(interactions.Default()) {
		assumed[e.key] = e.certainty == interactions.Local
	}
	for _, e := range tableEntries(b.Table) {
		if e.certainty == interactions.Local || assumed[e.key] {
			out = append(out, Assumption{What: strings.TrimSpace(e.key + " " + e.name), Source: e.source})
		}
	}
	return out
}

// tableEntry is an entry of the table of interactions, of whatever kind.
type tableEntry struct {
	key, name, source string
	certainty         interactions.Certainty
}

func tableEntries(t *interactions.Table) []tableEntry {
	var out []tableEntry
	add := func(c interactions.Certainty, key, name, source string) {
		out = append(out, tableEntry{key, name, source, c})
	}
	for _, i := range t.Interactions {
		add(i.Certainty, "interaction "+i.Name, "", i.Source)
	}
	for _, s := range t.ServiceRequests {
		add(s.Certainty, "service request "+s.Code, s.Display, s.Source)
	}
	for _, s := range t.HealthServiceRequests {
		add(s.Certainty, "health service request "+s.Code, s.Display, s.Source)
	}
	for _, u := range t.UseSituations {
		add(u.Certainty, "use situation "+u.Code, u.Display, u.Source)
	}
	for _, g := range t.Groups {
		add(g.Certainty, "document group "+g.Code, g.Display, g.Source)
	}
	for _, r := range t.Receivers {
		add(r.Certainty, "receiver "+r.OID, "", r.Source)
	}
	for _, n := range t.Nullifications {
		add(n.Certainty, "nullification by "+string(n.Form), "", n.Source)
	}
	for _, p := range t.Parameters {
		add(p.Certainty, "query parameter "+p.Name, "", p.Source)
	}
	return out
}
