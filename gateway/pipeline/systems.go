package pipeline

import (
	"slices"

	"portti/cda/organisations"
)

// System is a joined system: whose certificates it has, for whom it may act, and
// what it may do.
type System = organisations.System

// Systems are joined systems. Several may share an organisation: where neither the
// sender's device nor a fingerprint tells them apart, what one may all may.
type Systems []System

// MayActFor tells whether a system of the organisation may act for a controller.
func (s Systems) MayActFor(organisation, controller string) bool {
	return slices.ContainsFunc(s.of(organisation), func(x System) bool { return x.Serves(controller) })
}

// of gives the systems of an organisation.
func (s Systems) of(organisation string) Systems {
	return s.filter(func(x System) bool { return x.Organisation == organisation })
}

// behind gives the systems that a connection can be from: those of its certificate,
// by fingerprint where one is known, and of these the ones that have the sender as
// their device, where any has.
func (s Systems) behind(p Peer, sender string) Systems {
	mine := s.of(p.Organisation).filter(func(x System) bool { return x.Fingerprint == "" || x.Fingerprint == p.Fingerprint })
	return mine.narrowed(sender)
}

// named gives the systems of whom a sender is the organisation or a device.
func (s Systems) named(sender string) Systems {
	return s.filter(func(x System) bool { return x.Organisation == sender || slices.Contains(x.Devices, sender) })
}

// narrowed gives those that have the sender as their device, or all where none has.
func (s Systems) narrowed(sender string) Systems {
	if named := s.filter(func(x System) bool { return slices.Contains(x.Devices, sender) }); len(named) > 0 {
		return named
	}
	return s
}

func (s Systems) filter(keep func(System) bool) Systems {
	var out Systems
	for _, x := range s {
		if keep(x) {
			out = append(out, x)
		}
	}
	return out
}

// any tells whether one of them may.
func (s Systems) any(may func(System) bool) bool { return slices.ContainsFunc(s, may) }
