package access

import "slices"

// run is one decision in the making. Its steps return true where the way goes on.
type run struct {
	f *Facts
	d Decision
}

// Decide tells whether the document may be given or stored, and why. It is pure.
func Decide(f Facts) Decision {
	r := run{f: &f}
	r.d.Protected = f.Client.Protected
	if f.Operation == Store {
		r.store()
	} else {
		r.give()
	}
	return r.d
}

func (r *run) matrix() *Matrix {
	if r.f.Matrix != nil {
		return r.f.Matrix
	}
	return matrix()
}

// note adds a step that the way passes.
func (r *run) note(question, found, value string) bool {
	r.d.Steps = append(r.d.Steps, Step{Question: question, Found: found, Value: value, Passed: true})
	return true
}

// stop adds the step that ends the way.
func (r *run) stop(o Outcome, rule, question, found, value string) bool {
	r.d.Steps = append(r.d.Steps, Step{Question: question, Found: found, Value: value, Rule: rule})
	r.d.Outcome, r.d.Rule, r.d.Value = o, rule, value
	return false
}

// grant ends the way well.
func (r *run) grant(g Ground) {
	r.d.Outcome, r.d.Ground = Given, g
}

// remark notes a rule that does not stop the way.
func (r *run) remark(rule, question, found, value string) bool {
	r.d.Remarks = append(r.d.Remarks, rule)
	r.d.Steps = append(r.d.Steps, Step{Question: question, Found: found, Value: value, Passed: true, Rule: rule})
	return true
}

func (r *run) give() {
	if !r.mayFetch() || !r.inForce() {
		return
	}
	switch q := &r.f.Requester; {
	case q.Audience != Professional:
		r.citizen()
	case r.own():
		r.ownRegister()
	default:
		r.foreign()
	}
}

// foreign is the way to another controller's document.
func (r *run) foreign() {
	q := &r.f.Requester
	if q.Use == OwnUse {
		r.stop(Hidden, RuleSituation, "situation", "own-only", r.f.Document.Controller)
		return
	}
	if right := r.right(); right != nil {
		if r.workTask() {
			r.grant(Ground{RegistryRight, right.ID, "703/2023 § 14"})
		}
		return
	}
	if q.Use == ForOrganiser {
		r.stop(Hidden, ofRegistryRight, "situation", "right-only", r.f.Document.Controller)
		return
	}
	r.disclosure()
}

// own tells whether the document's controller is the requester's own.
func (r *run) own() bool {
	q, c := &r.f.Requester, r.f.Document.Controller
	own := q.Own
	if len(own) == 0 {
		own = []string{q.Organisation}
	}
	if c == "" || !slices.Contains(own, c) {
		return !r.note("register", "other", c)
	}
	return r.note("register", "own", c)
}

// ownRegister: no permission is needed (LUO-1). A missing case connection is the
// own system's to prevent (703/2023 § 9); here it is seen by supervision.
func (r *run) ownRegister() {
	if !r.connected() {
		r.remark(RuleOwnConnection, "connection", "none-own", r.f.Requester.Unit)
	}
	if r.workTask() {
		r.grant(Ground{OwnRegister, "", "703/2023 § 9"})
	}
}

// mayFetch: systems that only store fetch nothing (PRO-2, PRO-4).
func (r *run) mayFetch() bool {
	switch p := r.f.Requester.Profile; p {
	case Storing, Archiving:
		return r.stop(Refused, ofProfileFetch, "profile", "not-fetching", string(p))
	case "":
		return true
	default:
		return r.note("profile", "fetching", string(p))
	}
}

// inForce hides nullified documents from all but the controller's own, who must
// ask for them.
func (r *run) inForce() bool {
	if !r.f.Document.Nullified {
		return true
	}
	q := &r.f.Requester
	if q.Nullified && q.Audience == Professional && (q.Organisation == r.f.Document.Controller || slices.Contains(q.Own, r.f.Document.Controller)) {
		return r.note("in-force", "nullified-shown", "")
	}
	return r.stop(Hidden, RuleNullified, "in-force", "nullified", r.f.Document.ID)
}

// connected tells of the case connection (asiayhteys, LUO-4) and notes it.
func (r *run) connected() bool {
	q := &r.f.Requester
	for _, u := range r.f.State.Units {
		if q.Unit != "" && u.Unit == q.Unit && covers(u.From, u.Until, r.f.At) {
			return r.note("connection", "unit", u.Unit)
		}
	}
	if q.SpecialReason != "" {
		return r.note("connection", "special-reason", q.SpecialReason)
	}
	return false
}

// right gives the registry-use right that leads to the document, nil where none
// does. It notes what it found.
func (r *run) right() *Right {
	var fault rightFault
	var id string
	for i := range r.f.State.Rights {
		x := &r.f.State.Rights[i]
		if !r.leads(x) {
			continue
		}
		why := x.at(r.f.At)
		if why == rightHolds {
			r.note("right", "holds", x.ID)
			return x
		}
		fault, id = why, x.ID
	}
	if fault == rightHolds {
		r.note("right", "none", r.f.Requester.Unit)
	} else {
		r.note("right", string(fault), id)
	}
	return nil
}

// leads tells whether a right, if it held, would lead this requester to this
// document: the client relationship (one for all tasks) and documents of the task.
func (r *run) leads(x *Right) bool {
	d := &r.f.Document
	return r.f.Requester.Unit != "" && x.Unit == r.f.Requester.Unit && x.Organiser == d.Controller &&
		(d.Phase == Relationship || slices.Contains(d.Tasks, x.Task))
}

// workTask holds the document against the professional's work task (decree 457/2024).
func (r *run) workTask() bool {
	q := &r.f.Requester
	if len(q.Tasks) == 0 {
		return r.note("work-task", "not-told", "")
	}
	if row := r.matrix().allows(q, &r.f.Document); row != nil {
		return r.note("work-task", "within", row.ID)
	}
	return r.stop(Hidden, RuleWorkTask, "work-task", "beyond", string(q.Tasks[0]))
}
