package access

import "slices"

// disclosure is the way to a document that only disclosure leads to (LUO-2 to
// LUO-5).
func (r *run) disclosure() {
	if !r.joined() || !r.strong() || !r.connection() || !r.workTask() {
		return
	}
	d := &r.f.Document
	switch {
	case d.Phase.ofWill():
		r.note("will", "statement", d.ID)
		r.grant(Ground{ByLaw, "", "703/2023 § 72"})
	case r.wideSearch():
		r.grant(Ground{ByLaw, r.f.Requester.WideSearch, "703/2023 §§ 55–56"})
	case r.open() && r.informed() && r.permitted() && r.notProhibited():
		r.grant(Ground{ByPermission, r.f.State.Permission.ID, "703/2023 § 55"})
	}
}

func (r *run) joined() bool {
	q := &r.f.Requester
	if q.Organisation == "" || q.NotJoined {
		return r.stop(Refused, RuleJoined, "joined", "not-joined", q.Organisation)
	}
	return r.note("joined", "joined", q.Organisation)
}

func (r *run) strong() bool {
	if !r.f.Requester.Strong {
		return r.stop(Refused, RuleStrong, "authentication", "weak", "")
	}
	return r.note("authentication", "strong", "")
}

func (r *run) connection() bool {
	return r.connected() || r.stop(Refused, RuleConnection, "connection", "none", r.f.Requester.Unit)
}

// wideSearch tells whether an authority searches widely on a ground in law. It
// opens closed and prohibited documents.
func (r *run) wideSearch() bool {
	q := &r.f.Requester
	switch {
	case q.WideSearch == "":
		return !r.note("wide-search", "none", "")
	case !q.Public:
		return !r.note("wide-search", "private", q.WideSearch)
	}
	return r.note("wide-search", "ground", q.WideSearch)
}

// open: old documents and those of phase I are closed by default (12.4).
func (r *run) open() bool {
	switch d := &r.f.Document; d.Phase {
	case Old:
		return r.stop(Hidden, RuleClosedOld, "closed", "old", d.ID)
	case Phase1:
		return r.stop(Hidden, RuleClosedPhase1, "closed", "phase1", d.ID)
	case Phase2, Relationship, CaseDocument:
		return r.note("closed", "open", string(d.Phase))
	default:
		return r.stop(Hidden, RuleClosedKind, "closed", "unknown", d.ID)
	}
}

func (r *run) informed() bool {
	if i := r.f.State.Informed; i.IsZero() || i.After(r.f.At) {
		return r.stop(Hidden, RuleInforming, "informing", "never", "")
	}
	return r.note("informing", "informed", "")
}

// permitted: a negative permission prohibits all data.
func (r *run) permitted() bool {
	p := r.f.State.Permission
	switch {
	case p == nil || p.Positive && p.Given.After(r.f.At):
		return r.stop(Hidden, RulePermission, "permission", "none", "")
	case !p.Positive:
		return r.stop(Hidden, RuleAllProhibited, "permission", "negative", p.ID)
	}
	return r.note("permission", "positive", p.ID)
}

// prohibitionRules gives the rule for each level.
var prohibitionRules = map[Level]string{
	ByController: RuleProhibitedController, ByTask: RuleProhibitedTask, ByDocument: RuleProhibitedDocument,
}

func (r *run) notProhibited() bool {
	d := &r.f.Document
	for _, p := range r.f.State.Prohibitions {
		hit := false
		switch p.Level {
		case ByController:
			hit = p.Target == d.Controller
		case ByTask:
			hit = slices.Contains(d.Tasks, p.Target)
		case ByDocument:
			hit = p.Target == d.ID || p.Target == d.Set
		}
		if hit {
			return r.stop(Hidden, prohibitionRules[p.Level], "prohibition", string(p.Level), p.Target)
		}
	}
	return r.note("prohibition", "none", "")
}

// guardianMaySee is the code of 1286 that lets guardians see a minor's data.
const guardianMaySee = "1"

// citizen is the way of the client's or a guardian's own view: never old documents
// or those of phase I (DOC-1, DOC-2), nothing that is restricted there (1288), and
// for guardians only what the minor does not forbid (1286).
func (r *run) citizen() {
	d := &r.f.Document
	switch {
	case d.Phase == Old || d.Phase == Phase1:
		r.stop(Hidden, RuleCitizenPhase, "citizen", "phase", string(d.Phase))
	case d.Restriction != "":
		r.stop(Hidden, RuleCitizenRestricted, "citizen", "restricted", d.Restriction)
	case r.matrix().closedToCitizens(d):
		r.stop(Hidden, RuleCitizenRestricted, "citizen", "kind", d.Specific)
	case r.f.Requester.Audience == Guardian && !r.f.Client.Minor:
		r.stop(Hidden, RuleGuardian, "guardian", "of-age", "")
	case r.f.Requester.Audience == Guardian && d.MinorConsent != guardianMaySee:
		r.stop(Hidden, RuleGuardian, "guardian", "forbidden", d.MinorConsent)
	default:
		r.note("citizen", "shown", "")
		r.grant(Ground{OwnData, "", "703/2023 § 74"})
	}
}
