package migrate

import (
	_ "embed"
	"errors"
	"fmt"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed reasons.yaml
var reasonsYAML []byte

// Words are a text in Finnish, Swedish and English.
type Words struct{ FI, SV, EN string }

// In gives the text in a language; English where the language is unknown.
func (w Words) In(lang string) string {
	switch lang {
	case "fi":
		return w.FI
	case "sv":
		return w.SV
	default:
		return w.EN
	}
}

// Reason tells why a row was not taken, and what to do.
type Reason struct {
	ID     string
	Text   Words
	Remedy Words
}

var reasons = sync.OnceValue(func() map[string]*Reason {
	var list []*Reason
	if err := yaml.Unmarshal(reasonsYAML, &list); err != nil {
		panic(err) // the file is part of the program
	}
	out := make(map[string]*Reason, len(list))
	for _, r := range list {
		out[r.ID] = r
	}
	return out
})

// ReasonOf gives a reason by its id, nil where unknown.
func ReasonOf(id string) *Reason { return reasons()[id] }

// The reasons.
const (
	ReasonColumns     = "MIG-ROW-COLUMNS"
	ReasonQuote       = "MIG-ROW-QUOTE"
	ReasonJSON        = "MIG-ROW-JSON"
	ReasonCharacters  = "MIG-ROW-CHARACTERS"
	ReasonRepeated    = "MIG-ROW-REPEATED"
	ReasonClient      = "MIG-CLIENT-MISSING"
	ReasonName        = "MIG-CLIENT-NAME"
	ReasonHetu        = "MIG-CLIENT-HETU"
	ReasonBorn        = "MIG-CLIENT-BORN"
	ReasonSpent       = "MIG-CLIENT-TEMPORARY-SPENT"
	ReasonDate        = "MIG-DATE"
	ReasonDateMissing = "MIG-DATE-MISSING"
	ReasonFuture      = "MIG-DATE-FUTURE"
	ReasonTask        = "MIG-TASK"
	ReasonType        = "MIG-TYPE"
	ReasonUnit        = "MIG-UNIT"
	ReasonController  = "MIG-CONTROLLER"
	ReasonCase        = "MIG-CASE"
	ReasonFileNone    = "MIG-FILE-NONE"
	ReasonFileMissing = "MIG-FILE-MISSING"
	ReasonFileKind    = "MIG-FILE-KIND"
	ReasonFileEmpty   = "MIG-FILE-EMPTY"
	ReasonFileSize    = "MIG-FILE-SIZE"
	ReasonPDF         = "MIG-FILE-PDF"
	ReasonXHTML       = "MIG-FILE-XHTML"
	ReasonImage       = "MIG-FILE-IMAGE"
	ReasonDuplicate   = "MIG-DUPLICATE"
	ReasonRejected    = "MIG-REJECTED"
)

// Refusal is why a row is not taken. Detail names column, file, old word or
// rule. It goes into the reports, which are the owner's, and into no log.
type Refusal struct {
	Reason, Detail string
	// Findings are those of the engine, for ReasonRejected.
	Findings []Finding
}

// Error gives reason and detail.
func (r *Refusal) Error() string { return "migrate: " + r.Reason + " " + r.Detail }

func refuse(reason, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// asRefusal tells a refusal of one row from a failure of the whole work.
func asRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}

// Finding is one finding of the engine or of an archive.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Text     string `json:"text,omitempty"`
	Hint     string `json:"hint,omitempty"`
}
