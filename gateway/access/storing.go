package access

import "slices"

// store is the way of storing.
func (r *run) store() {
	if !r.mayStore() {
		return
	}
	g := Ground{OwnRegister, "", "703/2023 § 9"}
	if !r.own() {
		right := r.right()
		// The client relationship and the cases are the organiser's to write: a
		// provider must not widen its own right.
		if right == nil || r.f.Document.Phase == Relationship || r.f.Document.Phase == CaseDocument {
			r.noRight()
			return
		}
		g = Ground{RegistryRight, right.ID, "703/2023 § 14"}
		if c := r.f.Document.Case; c != "" && !slices.Contains(right.Cases, c) {
			r.stop(Refused, ofRegistryRight, "right", "other-case", c)
			return
		}
	}
	if r.f.Document.Phase != Phase2 || r.inCase() && r.inRelationship() {
		r.early()
		r.second()
		r.grant(g)
	}
}

// second remarks a series beside another one: a client has one client relationship
// document with a controller, a case one for its id, and each change is a new version
// of it (kanta-interface 10.3). What both say counts, the later one first.
func (r *run) second() {
	d, c := &r.f.Document, r.f.State.Case
	if d.Later {
		return
	}
	if d.Phase == CaseDocument && c != nil && c.Controller == d.Controller && c.Set != d.Set {
		r.remark(RuleCaseSecond, "case", "second", c.Set)
	}
	if d.Phase != Relationship || d.Ancient {
		return
	}
	for _, x := range r.f.State.Relationships {
		if !x.Old && x.Set != d.Set {
			r.remark(RuleRelationshipSecond, "relationship", "second", x.Set)
			return
		}
	}
}

// early remarks a permission that comes before the informing: it is kept, and has no
// effect until then.
func (r *run) early() {
	if d := &r.f.Document; d.Phase == Permission && d.Positive && r.f.State.Informed.IsZero() {
		r.remark(RulePermissionEarly, "informing", "never", "")
	}
}

// noRight refuses storing into another's register (REK-2, RKO-3). Who never had a
// right there is suspicious; who has an ended or suspended one is late.
func (r *run) noRight() {
	had := slices.ContainsFunc(r.f.State.Rights, func(x Right) bool {
		return x.Organiser == r.f.Document.Controller && x.Unit == r.f.Requester.Unit
	})
	r.d.Suspicious = !had
	r.stop(Refused, ofRegistryRight, "store", "no-right", r.f.Document.Controller)
}

func (r *run) mayStore() bool {
	p, d := r.f.Requester.Profile, &r.f.Document
	switch {
	case p == Viewing:
		return r.stop(Refused, ofProfileStore, "profile", "not-storing", string(p))
	case p == Archiving && d.Phase != Old && d.Phase != CaseDocument && d.Phase != Relationship:
		return r.stop(Refused, ofProfileOld, "profile", "old-only", string(p))
	case p == "":
		return true
	}
	return r.note("profile", "storing", string(p))
}

// inCase: a client document of phase II belongs to a case of its controller in
// which its clients are, open when it was written (DOC-6, DOC-8).
func (r *run) inCase() bool {
	d, c := &r.f.Document, r.f.State.Case
	switch {
	case c == nil && r.f.UnknownCases:
		return r.note("case", "elsewhere", d.Case)
	case c == nil:
		return r.stop(Refused, RuleCaseUnknown, "case", "unknown", d.Case)
	case c.Controller != d.Controller:
		// Told like one that does not exist, so that nothing is learnt of it.
		r.d.Suspicious = true
		return r.stop(Refused, RuleCaseUnknown, "case", "unknown", d.Case)
	case c.Strangers:
		return r.stop(Refused, RuleCaseClient, "case", "stranger", d.Case)
	case !d.Later && !c.Closed.IsZero() && !d.Effective.Before(c.Closed):
		return r.stop(Refused, RuleCaseClosed, "case", "closed", d.Case)
	case len(d.Tasks) > 0 && c.Task != "" && !slices.Contains(d.Tasks, c.Task):
		return r.remark(RuleCaseTask, "case", "other-task", c.Task)
	}
	return r.note("case", "open", d.Case)
}

// inRelationship: the clients have a client relationship with the controller that
// had not ended when the document was written (DOC-5).
func (r *run) inRelationship() bool {
	d := &r.f.Document
	if r.f.State.RelationshipElsewhere {
		r.d.Suspicious = true
		return r.stop(Refused, RuleRelationshipUnknown, "relationship", "unknown", d.Relationship)
	}
	found := "unknown"
	for _, x := range r.f.State.Relationships {
		if d.Relationship != "" && x.ID != d.Relationship {
			continue
		}
		if d.Later || x.Until.IsZero() || d.Effective.Before(x.Until) {
			return r.note("relationship", "lasts", x.ID)
		}
		found = "ended"
	}
	if found == "unknown" && r.f.UnknownCases {
		return r.note("relationship", "elsewhere", d.Relationship)
	}
	if found == "ended" {
		return r.stop(Refused, RuleRelationshipEnded, "relationship", found, d.Relationship)
	}
	return r.stop(Refused, RuleRelationshipUnknown, "relationship", found, d.Relationship)
}
