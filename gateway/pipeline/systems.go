package pipeline

import "slices"

// System is a joined system: whose certificates it has, and for whom it may act.
type System struct {
	// Name is for people.
	Name string
	// Organisation is the organisation's OID in the system's certificates (subject
	// serialNumber), of the connection and of signatures.
	Organisation string
	// Devices are further OIDs by which it names itself as sender.
	Devices []string
	// Controllers are the controllers for whom it may act besides the organisation
	// itself.
	Controllers []string
}

// Systems are the joined systems. Several may share an organisation: the
// certificate does not tell them apart, so what one may all may.
type Systems []System

// Joined tells whether an organisation has a joined system.
func (s Systems) Joined(organisation string) bool {
	return s.any(organisation, func(System) bool { return true })
}

// MaySendAs tells whether a system of the organisation may name that sender: the
// organisation, one of its devices, or a controller for whom it acts.
func (s Systems) MaySendAs(organisation, sender string) bool {
	return s.any(organisation, func(x System) bool {
		return sender == organisation || slices.Contains(x.Devices, sender) || slices.Contains(x.Controllers, sender)
	})
}

// MayActFor tells whether a system of the organisation may act for a controller.
func (s Systems) MayActFor(organisation, controller string) bool {
	return s.any(organisation, func(x System) bool {
		return controller == organisation || slices.Contains(x.Controllers, controller)
	})
}

func (s Systems) any(organisation string, ok func(System) bool) bool {
	return slices.ContainsFunc(s, func(x System) bool { return x.Organisation == organisation && ok(x) })
}
