// Package cases holds the joint-test cases as data: YAML files in data/, one for
// each area, with their words in words.yaml. Load expands templates (for) and
// preconditions (given) into cases whose steps are single messages.
//
//	set, err := cases.Load()
//	for _, c := range set.Select(cases.Selection{Profile: cases.Storing}) { … }
//
// A case's id never changes; what it demands may, and then its version rises. The
// set has a version of its own, which reports name together with its digest.
package cases

//go:generate go run ./gen

import (
	"portti/cda/rules/catalogue"
)

// Text is a text in Finnish, Swedish and English.
type Text = catalogue.Text

// Mode tells who is under test.
type Mode string

// The modes.
const (
	// Archive: the suite plays the client, an archive is under test.
	Archive Mode = "archive"
	// Client: the gateway observes, a client system is under test.
	Client Mode = "client"
)

// Profile is a system's profile (PRO-1 to PRO-4).
type Profile string

// The profiles.
const (
	Connecting Profile = "connecting" // liittyvä
	Storing    Profile = "storing"    // tallentava
	Viewing    Profile = "viewing"    // katseleva
	Archiving  Profile = "archiving"  // arkistoiva
)

// Profiles lists them.
var Profiles = []Profile{Connecting, Storing, Viewing, Archiving}

// Case is one case, expanded.
type Case struct {
	ID string `yaml:"id" json:"id"`
	// Area is the file's name, Version rises with each change of what is demanded.
	Area    string `yaml:"-" json:"area"`
	Version int    `yaml:"version" json:"version"`
	Title   Text   `yaml:"title" json:"title"`
	Mode    Mode   `yaml:"mode" json:"mode"`
	// Profiles are the profiles of the systems that the case concerns.
	Profiles []Profile `yaml:"profiles" json:"profiles"`
	// Phase is old, I, II, III or "" where the case belongs to none.
	Phase        string   `yaml:"phase" json:"phase,omitempty"`
	Requirements []string `yaml:"requirements" json:"requirements"`
	Tags         []string `yaml:"tags" json:"tags,omitempty"`
	// Given are preconditions; they stand as the first steps (Setup).
	Given []string `yaml:"given" json:"given,omitempty"`
	// Clients are the case's clients by name, each of a sort: adult, minor,
	// protected or temporary. Without any there is one, "c", an adult.
	Clients map[string]string `yaml:"clients" json:"clients,omitempty"`
	// Control names a hook that the case needs beyond the wire; without it the case
	// is not judged.
	Control string `yaml:"control" json:"control,omitempty"`
	// Alone cases run when no other does: they time or fill what all share.
	Alone bool   `yaml:"alone" json:"alone,omitempty"`
	Steps []Step `yaml:"steps" json:"steps"`
	// Failure tells what counts as failure.
	Failure Text `yaml:"failure" json:"failure"`
}

// Step is one message (or one act) of a case.
type Step struct {
	// Do is send, order, again, together, query, http, validate, wsdl, log or control;
	// await in cases for clients.
	Do string `yaml:"do" json:"do"`
	// As names what the step makes, Of what it takes: an earlier step's name.
	As string `yaml:"as" json:"as,omitempty"`
	Of string `yaml:"of" json:"of,omitempty"`
	// Setup marks a precondition: a step that makes the state which the case is about.
	Setup bool `yaml:"-" json:"setup,omitempty"`

	// Kind is a kind of document (fixtures.Kind).
	Kind     string   `yaml:"kind" json:"kind,omitempty"`
	Clients  []string `yaml:"clients" json:"clients,omitempty"`
	Replaces string   `yaml:"replaces" json:"replaces,omitempty"`
	Nullify  bool     `yaml:"nullify" json:"nullify,omitempty"`
	// Order is inform, suspend or resume: what the archive is told of a client without a
	// document (order); suspend and resume are about the provider's registry-use right.
	Order string `yaml:"order" json:"order,omitempty"`
	// Document changes the document, Frame its frame, Transport how it is sent.
	Document  Document  `yaml:"document" json:"document,omitzero"`
	Frame     Frame     `yaml:"frame" json:"frame,omitzero"`
	Transport Transport `yaml:"transport" json:"transport,omitzero"`
	// Parts are sent at the same time (together).
	Parts []Step `yaml:"parts" json:"parts,omitempty"`
	// Query is what is asked (query).
	Query Query `yaml:"query" json:"query,omitzero"`
	// HTTP is a request that is no message (http).
	HTTP HTTP `yaml:"http" json:"http,omitzero"`
	// Log is what is asked of the archive's logs (log).
	Log Log `yaml:"log" json:"log,omitzero"`
	// Await is what a client under test shall send, Knob how it is answered.
	Await Await  `yaml:"await" json:"await,omitzero"`
	Knob  string `yaml:"knob" json:"knob,omitempty"`

	Expect Expect `yaml:"expect" json:"expect,omitzero"`
	// Say tells the step to people.
	Say Text `yaml:"say" json:"say"`
}

// Document changes a document.
type Document struct {
	// Fault is a fixtures.Fault, Edit one of the maker's own changes.
	Fault string `yaml:"fault" json:"fault,omitempty"`
	Edit  string `yaml:"edit" json:"edit,omitempty"`
	// Form is a fixtures.ByteForm, Style comments, pretty, prefix or default-namespace.
	Form  string `yaml:"form" json:"form,omitempty"`
	Style string `yaml:"style" json:"style,omitempty"`
	// SameID takes the id of Of's document for other content.
	SameID bool `yaml:"same_id" json:"same_id,omitempty"`
	// Gap adds to the version number that would be next.
	Gap int `yaml:"gap" json:"gap,omitempty"`
	// Attachment adds an attachment, Size fills the document up to that many bytes.
	Attachment bool `yaml:"attachment" json:"attachment,omitempty"`
	Size       int  `yaml:"size" json:"size,omitempty"`
	// Language is the document's language; Organisation the controller by name
	// (utu, sumula …), default the first.
	Language     string `yaml:"language" json:"language,omitempty"`
	Organisation string `yaml:"organisation" json:"organisation,omitempty"`
	// Signatures are their types in order; Hide and Special mark the document.
	Signatures []int `yaml:"signatures" json:"signatures,omitempty"`
	Hide       bool  `yaml:"hide" json:"hide,omitempty"`
	Special    bool  `yaml:"special" json:"special,omitempty"`
	// Denied makes a permission document deny.
	Denied bool `yaml:"denied" json:"denied,omitempty"`
}

// Frame changes a frame.
type Frame struct {
	Fault string `yaml:"fault" json:"fault,omitempty"`
	// Form is sp1 or sp17.
	Form   string `yaml:"form" json:"form,omitempty"`
	Folded bool   `yaml:"folded" json:"folded,omitempty"`
	// NewMessage gives the message an id of its own though the document is sent again.
	NewMessage     bool   `yaml:"new_message" json:"new_message,omitempty"`
	ServiceRequest string `yaml:"service_request" json:"service_request,omitempty"`
	Situation      string `yaml:"situation" json:"situation,omitempty"`
	// NoText and Status make the other forms of a nullification.
	NoText bool   `yaml:"no_text" json:"no_text,omitempty"`
	Status string `yaml:"status" json:"status,omitempty"`
}

// Transport tells how a message is sent.
type Transport struct {
	// SOAP is 1.1 (default) or 1.2; Addressing adds WS-Addressing headers.
	SOAP       string `yaml:"soap" json:"soap,omitempty"`
	Addressing bool   `yaml:"addressing" json:"addressing,omitempty"`
	// Action is the SOAPAction, where one is sent.
	Action string `yaml:"action" json:"action,omitempty"`
	// Prefix is the envelope's prefix; Encoding utf-16.
	Prefix   string `yaml:"prefix" json:"prefix,omitempty"`
	Encoding string `yaml:"encoding" json:"encoding,omitempty"`
	// Break names a way in which the envelope is wrong.
	Break string `yaml:"break" json:"break,omitempty"`
}

// Query asks an archive (kanta-interface 9).
type Query struct {
	// For is metadata, document, relationship, case, summary or status; Whole asks for
	// the documents of relationships and cases, not their metadata.
	For   string `yaml:"for" json:"for"`
	Whole bool   `yaml:"whole" json:"whole,omitempty"`
	// Client is a client by name; Documents, Series and Messages are earlier steps;
	// Case asks about the scene's case.
	Client    string   `yaml:"client" json:"client,omitempty"`
	Documents []string `yaml:"documents" json:"documents,omitempty"`
	Series    string   `yaml:"series" json:"series,omitempty"`
	Messages  []string `yaml:"messages" json:"messages,omitempty"`
	Case      bool     `yaml:"case" json:"case,omitempty"`
	// Params are further parameters by field (interactions.Field).
	Params map[string]string `yaml:"params" json:"params,omitempty"`
	// Quantity bounds an answer; Continue goes on with an earlier step's from document Start.
	Quantity int    `yaml:"quantity" json:"quantity,omitempty"`
	Continue string `yaml:"continue" json:"continue,omitempty"`
	Start    int    `yaml:"start" json:"start,omitempty"`
	// Situation is the use situation (käyttötilanne).
	Situation string `yaml:"situation" json:"situation,omitempty"`
	// Organisation asks, default the first; ServiceRequest replaces the palvelupyyntö.
	Organisation   string `yaml:"organisation" json:"organisation,omitempty"`
	ServiceRequest string `yaml:"service_request" json:"service_request,omitempty"`
}

// Log asks for a client's entries in a log of an organisation, by the control hook
// that supplies them (usage-log or disclosure-log).
type Log struct {
	// Of is usage (käyttöloki) or disclosure (luovutusloki).
	Of string `yaml:"of" json:"of"`
	// Client is a client by name, default c; Organisation whose log it is, default the first.
	Client       string `yaml:"client" json:"client,omitempty"`
	Organisation string `yaml:"organisation" json:"organisation,omitempty"`
}

// Entry is an entry that a log must hold.
type Entry struct {
	// By is the step whose message made the entry, Document the one whose document it
	// names; "" where it need not name any.
	By       string `yaml:"by" json:"by"`
	Document string `yaml:"document" json:"document,omitempty"`
	// Refused: the entry tells of an attempt that was refused; else of a deed done.
	Refused bool `yaml:"refused" json:"refused,omitempty"`
	// Absent: the log must hold no such entry.
	Absent bool `yaml:"absent" json:"absent,omitempty"`
}

// HTTP is a plain request.
type HTTP struct {
	Method      string `yaml:"method" json:"method,omitempty"`
	Path        string `yaml:"path" json:"path,omitempty"`
	ContentType string `yaml:"content_type" json:"content_type,omitempty"`
	Encoding    string `yaml:"content_encoding" json:"content_encoding,omitempty"`
	Body        string `yaml:"body" json:"body,omitempty"`
	// Fill makes a body of so many bytes.
	Fill int `yaml:"fill" json:"fill,omitempty"`
}

// Expect is what a step's answer must be.
type Expect struct {
	// Answer is accepted (CA), refused (CE), retry (CR), fault, or several with "|".
	Answer string `yaml:"answer" json:"answer,omitempty"`
	// Rules must be named by the answer. They are judged where the archive names
	// rules of portti's catalogue at all.
	Rules []string `yaml:"rules" json:"rules,omitempty"`
	// Like names a step whose answer this one's must equal (idempotence).
	Like string `yaml:"like" json:"like,omitempty"`
	// Accepted is how many of the parts sent together are accepted.
	Accepted *int `yaml:"accepted" json:"accepted,omitempty"`
	// Found are the documents (steps) that an answer to a query holds, all of them and
	// no others; Served those whose very bytes it carries; Hidden must not be in it.
	Found  []string `yaml:"found" json:"found,omitempty"`
	Served []string `yaml:"served" json:"served,omitempty"`
	Hidden []string `yaml:"hidden" json:"hidden,omitempty"`
	// Outcome is queryResponseCode: OK, NF, AE or QE; Total the number of hits told.
	Outcome string `yaml:"outcome" json:"outcome,omitempty"`
	Total   int    `yaml:"total" json:"total,omitempty"`
	// Entries are what a log must hold.
	Entries []Entry `yaml:"entries" json:"entries,omitempty"`
	// Status is the HTTP status, Contains a text that the body must hold.
	Status   int    `yaml:"status" json:"status,omitempty"`
	Contains string `yaml:"contains" json:"contains,omitempty"`
}

// Await is what a client's message must be.
type Await struct {
	// Groups are document groups, Bodies pdf, xhtml or json.
	Groups []string `yaml:"groups" json:"groups,omitempty"`
	Body   string   `yaml:"body" json:"body,omitempty"`
	// Version is "first", "next" or "nullification"; Replaces an earlier step's name.
	Version  string `yaml:"version" json:"version,omitempty"`
	Replaces string `yaml:"replaces" json:"replaces,omitempty"`
	// Same demands the very bytes of an earlier step's document again; Other demands
	// a document that is not that of the earlier step.
	Same  string `yaml:"same" json:"same,omitempty"`
	Other string `yaml:"other" json:"other,omitempty"`
	// Query demands a query of a kind (Query.For) instead of a document.
	Query string `yaml:"query" json:"query,omitempty"`
	// Provider demands that a relationship names a provider's unit (RKO-1).
	Provider bool `yaml:"provider" json:"provider,omitempty"`
	// Elsewhere demands that the controller is another organisation than the unit's
	// that sends: somebody else's register (RKO-3).
	Elsewhere  bool   `yaml:"elsewhere" json:"elsewhere,omitempty"`
	SOAP       string `yaml:"soap" json:"soap,omitempty"`
	Attachment bool   `yaml:"attachment" json:"attachment,omitempty"`
	Clients    int    `yaml:"clients" json:"clients,omitempty"`
	Client     string `yaml:"client" json:"client,omitempty"`
	// Refused demands that the archive finds an error in it; else there must be none.
	Refused bool `yaml:"refused" json:"refused,omitempty"`
}

// Selection says which cases are wanted. Zero fields want all.
type Selection struct {
	Mode     Mode
	Profile  Profile
	IDs      []string // with * for any letters
	Tags     []string // any of them; areas count as tags
	Excluded []string // ids, as IDs
}

// Select gives the cases that are wanted, in their order.
func (s *Set) Select(w Selection) []*Case {
	var out []*Case
	for _, c := range s.Cases {
		if w.wants(c) {
			out = append(out, c)
		}
	}
	return out
}
