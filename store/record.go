package store

import (
	"time"

	"portti/internal/finding"
)

// Archival is everything that belongs to archiving one document version. All of
// it lands in one transaction, or none of it. The store keeps no reference to its
// slices after Archive has returned; the caller must not change them before.
type Archival struct {
	// ID is the document's OID, unique for ever.
	ID string
	// SetID is the version series: the id of its first version (alkuperäisen
	// asiakirjan tunniste).
	SetID string
	// Version is the version number, 1 for the first.
	Version int
	// Replaces is the id of the replaced version (relatedDocument RPLC,
	// parentDocument/id), empty for the first.
	Replaces string
	// Nullifies tells that this version nullifies its series (mitätöinti in form a,
	// kanta-interface 10.2): it is kept as the newest version and the series closed.
	Nullifies bool
	// Reason is the code of the reason of correction or nullification, if any.
	Reason string
	// Controller (rekisterinpitäjä) and Register are those the document goes to.
	Controller, Register string
	// Document is the exact document, Frame the exact frame or request it came in.
	Document, Frame []byte
	// Countersignature is the archive's own signature of the document (type 4,
	// kanta-interface 7.1), kept beside it; nil for none.
	Countersignature []byte
	// Facts are the frame's facts that a resend must repeat, in any fixed form that
	// the caller chooses (not the message id, nor times of sending).
	Facts []byte
	// Index is what the document can be found by.
	Index Index
	// Message is the message-log row. DocumentID is filled in by the store.
	Message Message
	// Judged is the state of clients by which the document was found to be in place; a
	// change since makes the outcome Stale. Zero where it was not judged by any.
	Judged StateMark
	// Usage are the usage-log rows of the deed. A refused attempt is logged with the
	// rule that refused it; a duplicate, which uses nothing, writes none.
	Usage []Usage
	// Disclosures are disclosure-log rows of the deed: of a document that tells of a
	// disclosure (LUO-6). A refused attempt or a duplicate writes none.
	Disclosures []Disclosure
	// Events are start events of retention periods that the document tells, beside
	// those that its state (Index.State) tells by itself.
	Events []Event
	// Answer gives verdict and acknowledgement for an outcome other than Archived,
	// whose answer stands in Message already. It is called by the writer while others
	// wait: it must be quick, must not block and must not call the store. Where nil,
	// Message is logged as it is.
	Answer func(Outcome) Answer
}

// Answer is what a sender was told.
type Answer struct {
	// Verdict is the caller's word for it ("CA", "CE" …).
	Verdict string
	// Acknowledgement is the exact acknowledgement, Findings their machine-readable form.
	Acknowledgement, Findings []byte
}

// Index is what a document is found by. The store takes the fields as they are:
// codes without their code system, ids as OIDs. Only Clients and Author are
// personal; they leave the package as keys.
type Index struct {
	// Clients are identity codes (henkilötunnus), or temporary ids after their roots, the main client first.
	Clients []string
	// Author is the professional's id.
	Author string
	// Group is asiakirjaryhmä (1505), GeneralType and SpecificType are 1506, Phase the
	// caller's word for old, I, II, III.
	Group, GeneralType, SpecificType, Phase string
	// Tasks are service tasks (palvelutehtävä, 1221).
	Tasks []string
	// Process is palveluprosessi (1277), Service sosiaalipalvelu (1222).
	Process, Service string
	// Case is asiatunnus, Relationship the client relationship's id (asiakkuuden tunniste).
	Case, Relationship string
	// Unit is the service unit, then organiser, producer and implementer.
	Unit, Organiser, Provider, Implementer string
	// Effective is laatimisaika, Created luontiaika. A zero Effective is stored as the
	// time of arrival.
	Effective, Created time.Time
	// Language, formats, Sosmeta structure, retention class (1258) and software.
	Language, Format, StructuredFormat, ContentSpec, RetentionClass, Software string
	// Special is erityistä suojausta edellyttävä sisältö.
	Special bool
	// State is what the document says of relationships, cases or the client's will;
	// nil for most. Search does not give it back.
	State *State
	// Summary is the caller's own form of the metadata, given back by Search as it
	// is; it may hold personal data (it is kept as a payload).
	Summary []byte
}

// Message is a row of the message log.
type Message struct {
	// ID is the message's id, Device the sender's device id.
	ID, Device string
	// Owner is the organisation whose message it is: the sender's, taken from its
	// certificate or configuration and never from the message's claim. A scope sees
	// the message by it.
	Owner string
	// Interaction and ServiceRequest (palvelupyyntö) as they came.
	Interaction, ServiceRequest string
	// DocumentID is the document that the message is about, if it got that far.
	DocumentID string
	// Arrived is the time of arrival; zero means now.
	Arrived time.Time
	Answer
	// Raw is the exact request of a message that was refused. Archive fills it in
	// from the frame for what it refuses.
	Raw []byte
	// Timings is JSON: stage to microseconds.
	Timings []byte
	// Suspicious marks a message for the archivist.
	Suspicious bool
}

// Usage is a row of the usage log (käyttöloki, LOG-1; law 703/2023 section 10).
type Usage struct {
	// At is the time of use; zero means now.
	At time.Time
	// DataController is whose data were used, LogController whose log the row is.
	DataController, LogController string
	// Client is whose data: an identity code, or a temporary id after its root.
	Client string
	// User and UserName identify the person who used them.
	User, UserName string
	// System is the device or software that asked.
	System string
	// DocumentID is the document used, if one.
	DocumentID string
	// Action says what was done ("archive", "fetch", "search" …), Purpose is the code
	// of the purpose of use.
	Action, Purpose string
	// Refused is the rule that refused an attempt, empty for a deed done.
	Refused string
	// Detail is whatever else supervision needs: JSON, may be personal.
	Detail []byte
}

// Disclosure is a row of the disclosure log (luovutusloki, LOG-2).
type Disclosure struct {
	// At is the time of disclosure; zero means now.
	At time.Time
	// DataController discloses, LogController is whose log the row is.
	DataController, LogController string
	// Client is whose data: an identity code, or a temporary id after its root.
	Client string
	// Discloser is the person or system that disclosed, User and UserName the person
	// it was disclosed to, Recipient that person's organisation.
	Discloser, User, UserName, Recipient string
	// DocumentID is the document disclosed, if one; Description tells what was
	// disclosed.
	DocumentID, Description string
	// Purpose is a code; Ground the provision in law or the permission's id.
	Purpose, Ground string
	// Refused is the rule that refused an attempt, empty for a disclosure made.
	Refused string
	// Detail is whatever else supervision needs: JSON, may be personal.
	Detail []byte
}

// Nullification is a frame-only nullification of a series (forms b and c of
// kanta-interface 10.2). The document is marked and kept.
type Nullification struct {
	// DocumentID is the version to nullify: the newest of its series.
	DocumentID string
	// Controller is the one the sender acts for.
	Controller string
	// Reason is a code.
	Reason string
	// Frame is the exact request.
	Frame   []byte
	Message Message
	Usage   []Usage
	// Answer as in Archival.
	Answer func(Outcome) Answer
}

// Entries are log rows that belong to one deed outside Archive, such as a query:
// they are written together or not at all.
type Entries struct {
	Message     *Message
	Usage       []Usage
	Disclosures []Disclosure
}

// OutcomeKind says what became of a message.
type OutcomeKind uint8

// The kinds of outcome. The numbers stand in the database.
const (
	// Archived: the document was stored now.
	Archived OutcomeKind = iota + 1
	// Duplicate: the same document (or nullification) had been stored before; it is
	// safe, and Outcome.Receipt tells what was answered then.
	Duplicate
	// Refused: Outcome.Findings tell why.
	Refused
	// Nullified: the series was nullified now.
	Nullified
	// Logged: a message that did not come to storing (a query, or rejected by an
	// earlier stage).
	Logged
	// Recorded: an order was written now (TakeOrder).
	Recorded
	// Stale: nothing was written, for what the document was judged by (Archival.Judged)
	// has changed since; it is to be judged again.
	Stale
)

// Outcome is what became of an Archival or a Nullification.
type Outcome struct {
	Kind OutcomeKind
	// Findings tell why it was refused. They reveal nothing of other controllers.
	Findings []finding.Finding
	// Suspicious tells that the attempt was marked for the archivist.
	Suspicious bool
	// Arrived is when the document came to the archive: for a Duplicate, the first time.
	Arrived time.Time
	// Leaf is the position of its integrity leaf, from 0; -1 where refused.
	Leaf int64
	// Receipt is what was answered when it was stored.
	Receipt Receipt
}

// Receipt is what was answered when a document was stored.
type Receipt struct {
	// MessageID and Device are the message that brought it.
	MessageID, Device string
	// Verdict and Findings as the caller gave them in Message.
	Verdict  string
	Findings []byte
}

// Status is a document version's place in its series.
type Status uint8

// The statuses. The numbers stand in the database.
const (
	// Current is the newest version.
	Current Status = iota + 1
	// Replaced is an earlier version.
	Replaced
	// NullifiedSeries is any version of a nullified series.
	NullifiedSeries
)

// String gives the English word.
func (s Status) String() string {
	switch s {
	case Current:
		return "current"
	case Replaced:
		return "replaced"
	case NullifiedSeries:
		return "nullified"
	}
	return "unknown"
}
