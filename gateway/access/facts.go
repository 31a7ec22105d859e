package access

import "time"

// Operation is what is asked for.
type Operation uint8

// The operations.
const (
	// Give: may this document be given to the requester?
	Give Operation = iota
	// Store: may the requester store this document in its controller's register?
	Store
)

// Facts are all that Decide knows. A zero field means that it is not known or not
// told, which never widens access.
type Facts struct {
	Operation Operation
	// At is the moment of the question.
	At        time.Time
	Requester Requester
	Client    Client
	Document  Document
	State     State
	// UnknownCases takes documents whose case or relationship is not in the archive.
	UnknownCases bool
	// Matrix is what work tasks are within; the shipped one where nil.
	Matrix *Matrix
}

// Audience is as whom somebody asks.
type Audience uint8

// The audiences.
const (
	Professional Audience = iota
	// Citizen is the client, Guardian a minor client's guardian.
	Citizen
	Guardian
)

// Use is what the use situation (käyttötilanne, 1289) limits a request to.
type Use uint8

// The uses.
const (
	// AnyUse: the message does not say.
	AnyUse Use = iota
	// OwnUse is the own register, ForOrganiser the use of a registry-use right,
	// Disclosed another controller's data.
	OwnUse
	ForOrganiser
	Disclosed
)

// Profile is that of a joined system (PRO-1 to PRO-4).
type Profile string

// The profiles; empty where not known.
const (
	Connecting Profile = "connecting" // liittyvä: stores and fetches
	Storing    Profile = "storing"    // tallentava: stores
	Viewing    Profile = "viewing"    // katseleva: fetches
	Archiving  Profile = "archiving"  // arkistoiva: stores old documents
)

// Requester is who asks: as the connection and the organisation register bear it
// out, not as a message merely claims.
type Requester struct {
	Audience Audience
	// Organisation is whose employee asks, Unit the service unit that the user works in.
	Organisation, Unit string
	// Own are the controllers whose registers are the requester's own; empty means
	// Organisation alone. Registers taken over stand here (REK-4, REK-5).
	Own []string
	// Public tells an authority from a private provider.
	Public bool
	// NotJoined tells that the organisation register knows it and it has not joined.
	NotJoined bool
	Profile   Profile
	// Tasks are the professional's work tasks (decree 457/2024 § 10), ServiceTasks
	// and Services the service tasks (1221) and social services (1222) that they are
	// about; empty where the message does not tell.
	Tasks                  []WorkTask
	ServiceTasks, Services []string
	Use                    Use
	// SpecialReason is the coded special reason (erityinen syy) that stands in for a
	// missing case connection.
	SpecialReason string
	// WideSearch is the ground of a wide search (laajan tiedonhaun peruste, 1299).
	WideSearch string
	// Strong tells that the user is strongly authenticated (sote or staff card).
	Strong bool
	// Nullified tells that nullified documents are asked for too.
	Nullified bool
}

// Client is what is known of the client beside the state.
type Client struct {
	// Minor: under 18 at the moment of the question.
	Minor bool
	// Protected: under non-disclosure for safety (turvakielto, DOC-9).
	Protected bool
}

// Phase is the phase of a document, by the keys of the table of interactions.
type Phase string

// The phases, and the groups that are no client documents.
const (
	Old          Phase = "old"
	Phase1       Phase = "phase1"
	Phase2       Phase = "phase2"
	Relationship Phase = "relationship"
	CaseDocument Phase = "case"
	Permission   Phase = "permission"
	Prohibition  Phase = "prohibition"
	// Informing is no document: that a client was informed (Kanta-informointi), under
	// whoever recorded it.
	Informing Phase = "informing"
)

// ofWill tells what states a client's will: whoever deals with the client may know it
// (LUO-7).
func (p Phase) ofWill() bool { return p == Permission || p == Prohibition || p == Informing }

// Document is what is known of the document.
type Document struct {
	// ID is its id, Set its version series: a prohibition of one version covers all.
	ID, Set string
	// Controller is the present one.
	Controller string
	Phase      Phase
	// General and Specific are its types (1506), Tasks its service tasks (1221),
	// Service its social service (1222).
	General, Specific string
	Tasks             []string
	Service           string
	// Case is asiatunnus, Relationship the client relationship's id.
	Case, Relationship string
	// Effective is when it was written (laatimisaika).
	Effective time.Time
	// Nullified tells that its series is nullified.
	Nullified bool
	// MinorConsent is 1286, Restriction 1288.
	MinorConsent, Restriction string
	// Later tells that a version other than the first is stored: a correction or
	// nullification.
	Later bool
	// Ancient tells of a client relationship document that the relationship is of before
	// the joining (vanha asiakkuus).
	Ancient bool
	// Positive tells of a permission document that it gives the permission.
	Positive bool
}

// State is the state of a client at the moment of the question, as the archive's
// documents make it.
type State struct {
	// Informed is when the client was informed (Kanta-informointi), zero if never.
	Informed time.Time
	// Permission is the newest statement of permission, nil where there is none.
	Permission *PermissionState
	// Prohibitions are those in force.
	Prohibitions []ProhibitionState
	// Units are the service units in which the client is a client.
	Units []UnitState
	// Rights are the registry-use rights, valid or not.
	Rights []Right
	// Case is the case that the document names, nil where there is none. The state
	// of a case lists the document's clients that were in it.
	Case *CaseState
	// Relationships are the client relationships with the document's controller;
	// RelationshipElsewhere tells that the id that the document names is another
	// client's or controller's.
	Relationships         []RelationshipState
	RelationshipElsewhere bool
}

// PermissionState is a luovutuslupa: given, or refused or withdrawn (which
// prohibits all data).
type PermissionState struct {
	// ID is the document's.
	ID       string `json:"id"`
	Positive bool   `json:"positive"`
	// Given is the day it was given.
	Given time.Time `json:"given,omitzero"`
}

// Level is what a prohibition covers.
type Level string

// The levels of prohibition. The fourth, all data, is a negative permission.
const (
	ByController Level = "controller"
	ByTask       Level = "task"
	ByDocument   Level = "document"
)

// ProhibitionState is one luovutuskielto in force.
type ProhibitionState struct {
	// ID is the prohibition document's, Target what it covers: an organisation's
	// OID, a service task's code or a document's id.
	ID     string `json:"id"`
	Level  Level  `json:"level"`
	Target string `json:"target"`
}

// UnitState is a service unit in which the client is a client. Until is exclusive
// and zero while it lasts.
type UnitState struct {
	Organiser string    `json:"organiser"`
	Unit      string    `json:"unit"`
	Task      string    `json:"task,omitempty"`
	From      time.Time `json:"from,omitzero"`
	Until     time.Time `json:"until,omitzero"`
}

// covers tells whether t lies in [from, until).
func covers(from, until, t time.Time) bool {
	return !t.Before(from) && (until.IsZero() || t.Before(until))
}

// Right is a registry-use right (rekisterinkäyttöoikeus): client × organiser ×
// service task × unit.
type Right struct {
	// ID names it: relationship id, task and unit.
	ID        string `json:"id"`
	Organiser string `json:"organiser"`
	Task      string `json:"task"`
	Unit      string `json:"unit"`
	// From and Until bound it; Until is exclusive, zero while the service lasts.
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Cases are the ids of the cases of the task that are open for it.
	Cases []string `json:"cases,omitempty"`
	// Suspended tells that the controller has suspended it; NoContract that no
	// contract binds organiser and provider (RKO-2).
	Suspended  bool `json:"suspended,omitempty"`
	NoContract bool `json:"noContract,omitempty"`
}

// Why a right does not hold.
type rightFault string

const (
	rightHolds     rightFault = ""
	rightNotYet    rightFault = "not-yet"
	rightEnded     rightFault = "ended"
	rightSuspended rightFault = "suspended"
	rightContract  rightFault = "contract"
	rightNoCase    rightFault = "no-case"
)

// at tells whether the right holds at t, or why not.
func (r *Right) at(t time.Time) rightFault {
	switch {
	case t.Before(r.From):
		return rightNotYet
	case !r.Until.IsZero() && !t.Before(r.Until):
		return rightEnded
	case r.NoContract:
		return rightContract
	case r.Suspended:
		return rightSuspended
	case len(r.Cases) == 0:
		return rightNoCase
	}
	return rightHolds
}

// CaseState is a case (asia).
type CaseState struct {
	// Set is the series of its document.
	ID, Set, Controller, Task string
	Opened                    time.Time
	// Closed is exclusive, zero while it is open.
	Closed time.Time
	// Strangers tells that one of the document's clients is not in the case, or was
	// not when the document was written.
	Strangers bool
}

// RelationshipState is one client relationship. Until is exclusive.
type RelationshipState struct {
	// Set is the series of its document.
	ID, Set     string
	From, Until time.Time
	// Old marks one of before the joining (vanha asiakkuus).
	Old bool
}
