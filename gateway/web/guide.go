package web

import (
	"errors"
	"io"

	"portti/cda/rules/catalogue"
)

// Reports writes reports of the joint-test suite, which come as JSON, in another format:
// one of SuiteFormats.
type Reports interface {
	Write(w io.Writer, report []byte, format string, lang catalogue.Lang) error
}

// Guide is the joint-test suite as a guide (TEST-2): its cases, and the observing mode
// that leads a client system through those for clients. Like Suite it is brought in by
// whoever has both. Implementations must be safe for concurrent use.
type Guide interface {
	Reports
	// Cases lists every case: those for archives, then those for client systems.
	Cases(lang catalogue.Lang) []JointCase
	// Begin begins to observe and gives the session's id. Errors: ErrGuideTaken,
	// ErrGuideBusy, ErrGuideCases.
	Begin(GuidePlan) (string, error)
	// Sessions gives the sessions that are remembered, oldest first.
	Sessions(lang catalogue.Lang) []GuideSession
	// Again asks for the last case anew, Skip goes on to the next one, End ends the
	// session and gives its report. Report gives it as it is so far. Errors: ErrGuideGone
	// where there is no such session, or it has ended (not of Report).
	Again(id string) error
	Skip(id string) error
	End(id string) ([]byte, error)
	Report(id string) ([]byte, error)
}

// Errors of a Guide.
var (
	ErrGuideTaken = errors.New("web: another session observes these messages")
	ErrGuideBusy  = errors.New("web: too many sessions are observed")
	ErrGuideCases = errors.New("web: no case is chosen")
	ErrGuideGone  = errors.New("web: the session is not there or has ended")
)

// JointCase is a case in one language.
type JointCase struct {
	ID, Area, Phase string
	Version         int
	// Client tells that a client system is under test, not an archive.
	Client bool
	// Profiles are keys: connecting, storing, viewing, archiving.
	Profiles       []string
	Requirements   []string
	Title          string
	Given, Failure string
	Steps          []JointStep
}

// JointStep is a step in one language; Parts are what is sent at the same time.
type JointStep struct {
	Say, Expect string
	Parts       []string
}

// GuidePlan says whom to observe and by which cases. Certificate is the organisation's
// OID in the client certificate, Device the sender that frames name; with neither every
// message is taken to be the system's.
type GuidePlan struct {
	Name, Certificate, Device, Profile string
	Cases                              []string
}

// GuideSession is how far a session is.
type GuideSession struct {
	ID string
	GuidePlan
	// Done tells that nothing is left, Ended that the session was ended.
	Done, Ended                 bool
	Passed, Failed, Open, Total int
	// Case, Title, Step of Steps and Say tell what is asked for now.
	Case, Title, Say string
	Step, Steps      int
	States           []GuideCase
}

// Judged is how many cases are not open any more.
func (s GuideSession) Judged() int { return s.Total - s.Open }

// GuideCase is how far a case is: passed, failed or open, and why it failed.
type GuideCase struct {
	ID, Title, Verdict string
	Why                []string
}
