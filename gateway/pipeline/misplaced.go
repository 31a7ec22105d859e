package pipeline

import (
	"portti/cda/frame/interactions"
	"portti/cda/organisations"
	"portti/cda/rules"
	"portti/store"
)

// Misplaced tells by which rule a series seems to stand in the wrong register
// (REK-6), "" where nothing speaks against it. It asks what the rules of documents
// and access ask, of what the archive knows now; so it finds what was stored before
// that was known. A series whose controller has been changed under control is judged
// by the one that it came to as well: its units may still stand there.
func Misplaced(d *organisations.Directory, f *store.SeriesFacts) string {
	rule := misplaced(d, f, f.Controller, f.Register)
	moved := f.OriginalController != f.Controller || f.OriginalRegister != f.Register
	if rule == "" || rule == ruleControllerUnknown || !moved || misplaced(d, f, f.OriginalController, f.OriginalRegister) != "" {
		return rule
	}
	return ""
}

// ruleControllerUnknown and ruleUnitForeign are made of a party and a kind of fault
// (package rules).
const (
	ruleControllerUnknown = "ORG-CONTROLLER-UNKNOWN"
	ruleUnitForeign       = "ORG-UNIT-FOREIGN"
)

func misplaced(d *organisations.Directory, f *store.SeriesFacts, controller, register string) string {
	state, _ := d.Find(controller, f.Effective)
	organised := rules.Organised(groupKey(f.Group))
	for _, step := range []struct {
		rule string
		bad  bool
	}{
		{ruleControllerUnknown, state == organisations.Unknown && !d.Controls(controller)},
		{rules.RuleRegisterUnknown, !d.HasRegister(controller, register, f.Effective)},
		{rules.RuleControllerOrganiser, organised && otherOrganiser(d, controller, f.Organiser)},
		{ruleUnitForeign, organised && d.Belongs(f.Unit, organiserOr(f.Organiser, controller), f.Effective) == organisations.Foreign},
		{RuleController, foreignSender(d, f, controller)},
	} {
		if step.bad {
			return step.rule
		}
	}
	return ""
}

// groupKey is the key of a document group's code.
func groupKey(code string) string {
	if g := interactions.Default().Group(code); g != nil {
		return g.Key
	}
	return ""
}

func organiserOr(organiser, controller string) string {
	if organiser == "" {
		return controller
	}
	return organiser
}

func otherOrganiser(d *organisations.Directory, controller, organiser string) bool {
	a, b := d.Register.Top(controller), d.Register.Top(organiser)
	return a != "" && b != "" && a != b && !d.TookOver(controller, organiser) && !d.TookOver(controller, b)
}

// foreignSender tells that the document came from an organisation whose joined
// systems do not act for the controller, and that has no contract with it.
func foreignSender(d *organisations.Directory, f *store.SeriesFacts, controller string) bool {
	systems := Systems(d.Systems).of(f.Owner)
	return len(systems) > 0 && !systems.MayActFor(f.Owner, controller) && !d.Contracted(controller, f.Owner, "", f.Arrived)
}
