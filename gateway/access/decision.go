package access

// Outcome is what was decided.
type Outcome string

// The outcomes.
const (
	// Given: the document may be given, or stored.
	Given Outcome = "given"
	// Hidden: it is left out of the answer as if it were not there.
	Hidden Outcome = "hidden"
	// Refused: the request ends with a finding.
	Refused Outcome = "refused"
)

// GroundKind is the kind of ground on which a document is given or stored.
type GroundKind string

// The grounds.
const (
	OwnRegister   GroundKind = "own-register"
	RegistryRight GroundKind = "registry-use-right"
	ByPermission  GroundKind = "permission"
	ByLaw         GroundKind = "law"
	// OwnData: the client's (or guardian's) own view.
	OwnData GroundKind = "own-data"
)

// Ground is what a disclosure log records (LOG-2).
type Ground struct {
	Kind GroundKind `json:"kind"`
	// ID is the registry-use right's or the permission document's, or the code of
	// the ground of a wide search.
	ID string `json:"id,omitempty"`
	// Law is the paragraph.
	Law string `json:"law,omitempty"`
}

// String gives the ground as one line of the log: "permission 1.2.246… (703/2023 § 55)".
func (g Ground) String() string {
	s := string(g.Kind)
	if g.ID != "" {
		s += " " + g.ID
	}
	if g.Law != "" {
		s += " (" + g.Law + ")"
	}
	return s
}

// Step is one question on the way, and what was found. Question and Found are
// keys of data/steps.yaml; Value is a code or OID, never personal.
type Step struct {
	Question string
	Found    string
	Value    string
	// Passed tells that the way went on (or ended well) here; Rule is the rule that
	// ended it otherwise.
	Passed bool
	Rule   string
}

// Decision is what Decide gives.
type Decision struct {
	Outcome Outcome
	// Rule is the rule that hid or refused, empty where given.
	Rule string
	// Value is what the rule's finding shows: a code or OID.
	Value string
	// Ground is set where given.
	Ground Ground
	Steps  []Step
	// Remarks are rules of lesser weight that supervision should see, such as use
	// without a case connection in the own register (LOG-6).
	Remarks []string
	// Suspicious marks an attempt for the archivist.
	Suspicious bool
	// Protected tells that the answer must carry the mark of non-disclosure for
	// safety and no address (DOC-9).
	Protected bool
}
