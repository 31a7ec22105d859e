package organisations

import (
	"slices"
	"time"
)

// MayFetch tells whether a system of the profile may fetch (PRO-2, PRO-4).
func (p Profile) MayFetch() bool { return p != Storing && p != Archiving }

// MayStore tells whether a system of the profile may store at all (PRO-3).
func (p Profile) MayStore() bool { return p != Viewing }

// OldOnly tells whether a system of the profile may store old documents only (PRO-4).
func (p Profile) OldOnly() bool { return p == Archiving }

// Takes tells whether documents of a group (its key, "phase2") may come from the
// system by its phases.
func (s *System) Takes(group string) bool {
	return len(s.Phases) == 0 || slices.Contains(s.Phases, group)
}

// Fault is why a system may not connect.
type Fault uint8

// The faults of PRO-6.
const (
	NoFault Fault = iota
	// OutOfTime: its time has not begun or is over.
	OutOfTime
	// WrongClass: class B does not connect. (One with the profile archiving brings old
	// documents through a third party, PRO-4.)
	WrongClass
	// Untested: of class A2 or A3, and joint testing is not passed.
	Untested
)

// MayConnect tells why a system may not connect at a time. A system whose class is
// not told is judged by its time alone.
func (s *System) MayConnect(at time.Time) Fault {
	switch {
	case !valid(s.From, s.To, at):
		return OutOfTime
	case s.Class == ClassB && s.Profile != Archiving:
		return WrongClass
	case (s.Class == ClassA2 || s.Class == ClassA3) && (s.JointTest.IsZero() || at.Before(s.JointTest)):
		return Untested
	}
	return NoFault
}

// Serves tells whether the system acts for a controller: its organisation's own,
// one that it serves, or one that it sends for.
func (s *System) Serves(controller string) bool {
	return controller == s.Organisation || slices.Contains(s.Controllers, controller) || slices.Contains(s.SendsFor, controller)
}

// Names tells whether the system may name a sender: its organisation, one of its
// devices, or one for which it acts.
func (s *System) Names(sender string) bool {
	return s.Serves(sender) || slices.Contains(s.Devices, sender)
}
