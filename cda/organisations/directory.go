package organisations

import (
	"slices"
	"time"
)

// Directory is one state of the national register and of what the archive knows
// beside it.
type Directory struct {
	Register *Register
	Joined
}

// NewDirectory makes a directory; register may be nil.
func NewDirectory(register *Register, joined Joined) *Directory {
	return &Directory{Register: register, Joined: joined}
}

// State is what a look-up of an organisation comes to.
type State uint8

// The states.
const (
	// Known: the register has it, and it is valid at the time.
	Known State = iota
	// Unchecked: there is no register to ask.
	Unchecked
	// Unlisted: a register that is not whole lacks it.
	Unlisted
	// Unknown: the whole register lacks it.
	Unknown
	// Ended and NotYet: its validity lies before or after the time.
	Ended
	NotYet
)

// String gives the state's name for tests.
func (s State) String() string {
	return [...]string{"known", "unchecked", "unlisted", "unknown", "ended", "not-yet"}[s]
}

// Find looks an organisation up at a time; the zero time asks for no validity. The
// entry is nil where the register has none.
func (d *Directory) Find(oid string, at time.Time) (State, *Organisation) {
	if d == nil || !d.Register.Loaded() {
		return Unchecked, nil
	}
	o := d.Register.Lookup(oid)
	switch {
	case o == nil && d.Register.Whole:
		return Unknown, nil
	case o == nil:
		return Unlisted, nil
	case o.Deleted, !o.To.IsZero() && !at.IsZero() && at.After(o.To):
		return Ended, o
	case !at.IsZero() && at.Before(o.From):
		return NotYet, o
	}
	return Known, o
}

// Controls tells whether the archive knows an organisation as a controller, by a
// register of its own.
func (d *Directory) Controls(oid string) bool {
	return d != nil && slices.ContainsFunc(d.Registers, func(r ControllerRegister) bool { return r.Controller == oid })
}

// HasRegister tells whether a controller has a register of a code at a time. A
// controller none of whose registers is known is taken to have every one.
func (d *Directory) HasRegister(controller, code string, at time.Time) bool {
	if !d.Controls(controller) {
		return true
	}
	return slices.ContainsFunc(d.Registers, func(r ControllerRegister) bool {
		return r.Controller == controller && r.Code == code && valid(r.From, r.To, at)
	})
}

// TookOver tells whether a controller has taken over the register of another that
// has ceased (REK-4).
func (d *Directory) TookOver(controller, predecessor string) bool {
	return d != nil && slices.ContainsFunc(d.Registers, func(r ControllerRegister) bool {
		return r.Kind == TakenOver && r.Controller == controller && r.Predecessor == predecessor
	})
}

// Organisation gives the organisation that a unit belongs to, the unit itself
// where the register does not know it.
func (d *Directory) Organisation(unit string) string {
	if d != nil {
		if top := d.Register.Top(unit); top != "" {
			return top
		}
	}
	return unit
}

// Belonging tells how a unit stands to an organiser.
type Belonging uint8

// The belongings.
const (
	// Undecided: the register does not know both.
	Undecided Belonging = iota
	// Own: the unit is the organiser's.
	Own
	// ByContract: it is a provider's with a contract.
	ByContract
	// Foreign: neither.
	Foreign
)

// Belongs tells how a unit stands to an organiser at a time (REK-3, RKO-2).
func (d *Directory) Belongs(unit, organiser string, at time.Time) Belonging {
	if d == nil || unit == "" || organiser == "" {
		return Undecided
	}
	switch {
	case unit == organiser || d.Register.Under(unit, organiser):
		return Own
	case d.Contracted(organiser, unit, "", at):
		return ByContract
	case d.Register.Lookup(unit) == nil || d.Register.Lookup(organiser) == nil:
		return Undecided
	case d.Register.Top(unit) == d.Register.Top(organiser):
		return Own // both stand in one organisation's tree
	}
	return Foreign
}

// Contracted tells whether a contract covers a provider, or a unit of one, for an
// organiser at a time. task is a service task, "" for any.
func (d *Directory) Contracted(organiser, provider, task string, at time.Time) bool {
	return d != nil && slices.ContainsFunc(d.Contracts, func(k Contract) bool {
		return k.Organiser == organiser && valid(k.From, k.To, at) && d.covers(&k, provider) &&
			(task == "" || len(k.Tasks) == 0 || slices.Contains(k.Tasks, task))
	})
}

// covers tells whether a contract covers a provider or unit.
func (d *Directory) covers(k *Contract, oid string) bool {
	if oid == k.Provider {
		return true
	}
	if len(k.Units) == 0 {
		return d.Register.Under(oid, k.Provider)
	}
	return slices.ContainsFunc(k.Units, func(u string) bool { return u == oid || d.Register.Under(oid, u) })
}

// SystemsOf gives the joined systems whose certificates name an organisation, that
// may connect at a time.
func (d *Directory) SystemsOf(organisation string, at time.Time) []System {
	if d == nil {
		return nil
	}
	var out []System
	for _, s := range d.Systems {
		if s.Organisation == organisation && valid(s.From, s.To, at) {
			out = append(out, s)
		}
	}
	return out
}
