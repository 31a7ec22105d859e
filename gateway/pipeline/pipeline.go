package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"runtime/debug"
	"slices"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/gateway/soap"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig/trust"
)

// Archive is what the pipeline needs of the store; *store.Store is one.
type Archive interface {
	Archive(context.Context, store.Archival) (store.Outcome, error)
	Log(context.Context, store.Entries) error
}

// Options configure a Pipeline.
type Options struct {
	Judge   *Judge
	Archive Archive
	Access  Access
	// Library answers queries and takes nullifications by frame; nil refuses them.
	Library Library
	// Orders takes informing and suspensions; nil refuses them.
	Orders OrderTaker
	// Release decides who is given what is found; nil gives own registers only.
	Release Release
	// MaxAnswer bounds the octets of documents in one part of an answer; default 8 MB.
	MaxAnswer int64
	// MessageLimits bound the XML of a request.
	MessageLimits xmltree.Limits
	// RequireAddressing refuses requests without WS-Addressing headers.
	RequireAddressing bool
	// Lang is the language of acknowledgements.
	Lang catalogue.Lang
	// Root is the OID under which acknowledgements get their ids, Owner the
	// organisation whose messages those without a client certificate are.
	Root, Owner string
	// Signer makes the archive's own signatures; nil for none.
	Signer *ArchiveSigner
	// Parallel is how many messages are computed on at a time.
	Parallel int
	// Bulk tells that a client's messages go into the bulk lane whatever they say: those
	// of a migrating system (PRO-4). May be nil.
	Bulk func(Peer) bool
	// Now and NewID give time and unique ids (UUIDs as text).
	Now   func() time.Time
	NewID func() string
}

// Pipeline answers SOAP requests. It is safe for concurrent use.
type Pipeline struct {
	Options
	lanes    *lanes
	queries  [][]byte // names of the interactions that ask
	sessions sessions
}

// New makes a Pipeline.
func New(o Options) (*Pipeline, error) {
	if o.Judge == nil || o.Archive == nil || o.Access == nil || o.Now == nil || o.NewID == nil || o.Parallel < 1 {
		return nil, errors.New("pipeline: Judge, Archive, Access, Now, NewID and Parallel are required")
	}
	return &Pipeline{Options: o, lanes: newLanes(o.Parallel), queries: queryNames(o.Judge.Frames.Table)}, nil
}

// message is one request on its way.
type message struct {
	*Pipeline
	req      Request
	watch    *stopwatch
	soap     *soap.Request
	version  soap.Version
	frame    *frame.Frame
	judged   *Judgement
	findings []finding.Finding
	decision Decision
	report   Report
	// attached are the facts of attachments, which a resend must repeat; attachments
	// counts them.
	attached    []byte
	attachments int
	// One of the four is what will be written, or given.
	archival      *store.Archival
	nullification *store.Nullification
	query         *query
	taking        *store.OrderMessage
	// accessed bounds the findings of access; mark is the state that they are by.
	accessed [2]int
	mark     store.StateMark
	// suspicious marks the message for the archivist.
	suspicious bool
}

// Handle takes a request to its answer. It does not panic. What was accepted is
// carried through even if ctx ends.
func (p *Pipeline) Handle(ctx context.Context, req Request) Answer {
	m := &message{Pipeline: p, req: req, watch: newStopwatch()}
	place := p.lanes.enter(ctx, p.lane(req))
	if place == nil {
		return m.fault(http.StatusServiceUnavailable, false, finding.Finding{Rule: RuleFailure, Params: m.requestParam()})
	}
	defer place.answered()
	answered, a := m.compute(ctx)
	place.computed()
	if answered {
		return a
	}
	return m.commit(context.WithoutCancel(ctx))
}

// compute runs the stages up to access. answered tells that nothing is to be
// written: a fault.
func (m *message) compute(ctx context.Context) (answered bool, a Answer) {
	defer func() {
		if p := recover(); p != nil {
			m.broke(&PanicError{Value: p, Stack: debug.Stack()})
			answered, a = m.faultWithoutFrame()
		}
	}()
	m.watch.lap("wait")
	if f := m.envelope(); f != nil {
		return true, *f
	}
	if f := m.readFrame(); f != nil {
		return true, *f
	}
	switch {
	case m.asks():
		m.ask(ctx)
		return false, Answer{}
	case m.frame.NullifiesByFrame():
		m.nullify(ctx)
		return false, Answer{}
	case m.frame.Orders():
		m.order(ctx)
		return false, Answer{}
	}
	m.document()
	m.access()
	if err := m.together(ctx, m.Library); err != nil {
		m.broke(err)
	}
	m.decide()
	if m.decision != Reject {
		m.archival = m.newArchival()
		m.countersign()
	}
	return false, Answer{}
}

// broke notes a failure of ours.
func (m *message) broke(err error) {
	m.report.Failure = err
	m.findings = append(m.findings, finding.Finding{Rule: RuleFailure, Params: m.requestParam()})
	m.decision = Reject
	m.archival, m.nullification, m.taking = nil, nil, nil
}

// faultWithoutFrame gives a fault where no acknowledgement can be made.
func (m *message) faultWithoutFrame() (bool, Answer) {
	if m.frame != nil && !m.frame.Fatal {
		return false, Answer{}
	}
	return true, m.fault(0, false, m.findings...)
}

func (m *message) requestParam() []finding.Param {
	return []finding.Param{finding.P("request", m.req.ID)}
}

// envelope reads the SOAP envelope; an answer means a fault.
func (m *message) envelope() *Answer {
	req, version, fs := soap.Read(m.req.ContentType, m.req.SOAPAction, m.req.Body,
		soap.Options{Limits: m.MessageLimits, RequireAddressing: m.RequireAddressing})
	m.watch.lap("envelope")
	m.version, m.soap, m.report.SOAP = version, req, version
	m.findings = append(m.findings, fs...)
	if req == nil || Decide(fs, nil, m.Judge.Profile) == Reject {
		a := m.fault(0, true, fs...)
		return &a
	}
	return nil
}

// readFrame reads the frame; an answer means a fault.
func (m *message) readFrame() *Answer {
	f, fs, err := m.Judge.Frame(m.soap.Tree, m.soap.Body)
	m.frame = f
	m.watch.lap("frame")
	if f.Interaction != nil {
		m.report.Interaction = f.Interaction.Name
	}
	if f.Request != nil {
		m.report.ServiceRequest = f.Request.Code
	}
	if f.Fatal {
		a := m.fault(0, true, append(m.findings, fs...)...)
		return &a
	}
	m.findings = append(m.findings, fs...)
	if err != nil {
		m.broke(err)
	}
	return nil
}

// document judges the frame's package and the document in it.
func (m *message) document() {
	if !m.archives() {
		return
	}
	pkg, fs := m.Judge.Package(m.frame)
	m.findings = append(m.findings, fs...)
	m.watch.lap("mime")
	m.attach(pkg)
	document := pkg.DocumentBytes()
	m.report.Document = len(document)
	if len(document) == 0 {
		return
	}
	m.judged = m.Judge.Document(Input{Frame: m.frame, Document: document, Arrived: m.req.Arrived})
	m.findings = append(m.findings, m.judged.Findings...)
	m.watch.out = append(m.watch.out, m.judged.Timings...)
	m.watch.last = time.Now()
	if m.judged.Failure != nil {
		m.broke(m.judged.Failure)
	}
}

// archives tells whether the message brings a document; any other is refused.
func (m *message) archives() bool {
	nullifies := m.frame.Operation() == interactions.Nullify
	if m.frame.Interaction.Kind == interactions.KindStore && (!nullifies || m.frame.NullifyForm() != "") {
		return true
	}
	m.unsupported()
	return false
}

func (m *message) access() {
	q := AccessQuery{Peer: m.req.Peer, Frame: m.frame, Arrived: m.req.Arrived}
	if m.judged != nil {
		q.Document, q.Body, q.Suspect = m.judged.Document, m.judged.Body, func() { m.suspicious = true }
		q.Told = m.judged.Findings
		if m.judged.Signatures != nil {
			q.Signers = trust.Organisations(m.judged.Signatures)
		}
	}
	var failure error
	q.Failed = func(err error) { failure = err }
	m.mark = store.StateMark{} // a judgement by no state waits for no change of it
	q.Judged = func(mark store.StateMark) { m.mark = mark }
	m.accessed[0] = len(m.findings)
	m.findings = append(m.findings, m.Access.Decide(q)...)
	m.accessed[1] = len(m.findings)
	if failure != nil {
		m.lost(failure)
	}
	m.watch.lap("access")
}

// decide is the verdict so far. A document that was not judged, or whose body no
// valid signature covers, is never accepted, whatever the severities say.
func (m *message) decide() {
	m.decision = Decide(m.findings, nil, m.Judge.Profile)
	if m.judged == nil || m.report.Failure != nil {
		m.decision = Reject
		return
	}
	m.decision = max(m.decision, m.judged.Decision)
	if m.decision != Reject && m.judged.Body == nil && m.judged.Document.Body.Kind != cda.NoBody {
		m.broke(errors.New("pipeline: no finding says why the body is not covered"))
	}
}

// commit writes to the archive and answers.
func (m *message) commit(ctx context.Context) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			m.broke(&PanicError{Value: p, Stack: debug.Stack()})
			a = m.acknowledge(NotNow, m.findings)
		}
	}()
	switch {
	case m.asks():
		return m.commitQuery(ctx)
	case m.nullification != nil:
		return m.commitNullification(ctx)
	case m.taking != nil:
		return m.commitOrder(ctx)
	case m.archival == nil:
		return m.reject(ctx)
	}
	return m.commitDocument(ctx)
}

// judgements is how often a document is judged while the state that it is judged by
// keeps changing.
const judgements = 32

// commitDocument archives and answers. Where the state of its clients, by which it was
// found to be in place, has changed meanwhile, it is judged again by the new one: of two
// messages that come together the second is judged after the first.
func (m *message) commitDocument(ctx context.Context) Answer {
	m.archival.Answer = m.outcomeAnswer
	for range judgements {
		ack := m.ack(Accepted, m.findings)
		m.archival.Judged, m.archival.Message.Answer = m.mark, m.answer(Accepted, m.findings, ack)
		out, err := m.Archive.Archive(ctx, *m.archival)
		m.watch.lap("commit")
		if err != nil {
			return m.notNow(err)
		}
		if out.Kind != store.Stale {
			return m.tell(out, ack)
		}
		if m.again(); m.archival == nil {
			return m.reject(ctx)
		}
	}
	return m.notNow(&store.Error{Kind: store.ErrBusy, Op: "archive"})
}

// again asks access once more, by what the archive holds now.
func (m *message) again() {
	before, after := slices.Clone(m.findings[:m.accessed[0]]), slices.Clone(m.findings[m.accessed[1]:])
	m.findings = before
	m.access()
	m.findings = append(m.findings, after...)
	if m.decide(); m.decision == Reject {
		m.archival = nil
	}
}

// reject logs what the stages refused, then answers CE, or CR where the fault is ours
// or may pass.
func (m *message) reject(ctx context.Context) Answer {
	verdict := m.rejection()
	ack := m.ack(verdict, m.findings)
	row := m.messageRow()
	row.Answer = m.answer(verdict, m.findings, ack)
	row.Raw = m.soap.Tree.Source()
	err := m.Archive.Log(ctx, store.Entries{Message: &row, Usage: m.refusedUsage()})
	m.watch.lap("commit")
	if err != nil {
		return m.notNow(err)
	}
	return m.reply(verdict, ack, m.findings)
}

// rejection is the verdict on what the stages refused.
func (m *message) rejection() Verdict {
	if m.report.Failure != nil || Retry(m.findings, m.Judge.Profile) {
		return NotNow
	}
	return AtFault
}

// passing gives the finding of a failure of the archive that passes.
func passing(err error) (finding.Finding, bool) {
	var own *store.Error
	if errors.As(err, &own) && own.Retry() {
		return finding.Finding{Rule: store.Rule(err)}, true
	}
	return finding.Finding{}, false
}

// notNow answers a failure of the archive.
func (m *message) notNow(err error) Answer {
	m.report.Failure = err
	f, ok := passing(err)
	if !ok {
		f = finding.Finding{Rule: RuleFailure, Params: m.requestParam()}
	}
	return m.acknowledge(NotNow, append(m.findings, f))
}

// tell answers by the archive's outcome.
func (m *message) tell(out store.Outcome, accepted []byte) Answer {
	m.report.Outcome = outcomeName(out.Kind)
	if out.Kind == store.Archived || out.Kind == store.Nullified || out.Kind == store.Recorded {
		return m.archived(out, m.reply(Accepted, accepted, m.findings))
	}
	verdict, fs := m.outcomeFindings(out)
	return m.archived(out, m.acknowledge(verdict, fs))
}

// archived notes which document an answer is about, where that is in the archive.
func (m *message) archived(out store.Outcome, a Answer) Answer {
	if m.archival != nil && (out.Kind == store.Archived || out.Kind == store.Duplicate) {
		a.Archived = m.archival.ID
	}
	return a
}

func outcomeName(k store.OutcomeKind) string {
	switch k {
	case store.Archived:
		return "archived"
	case store.Duplicate:
		return "duplicate"
	case store.Refused:
		return "refused"
	case store.Nullified:
		return "nullified"
	case store.Recorded:
		return "recorded"
	default:
		return "logged"
	}
}

// outcomeFindings gives what is answered for an outcome other than Archived: to a
// resend what was answered the first time, to a refusal why.
func (m *message) outcomeFindings(out store.Outcome) (Verdict, []finding.Finding) {
	if out.Kind == store.Duplicate {
		if fs, ok := unpackFindings(out.Receipt.Findings); ok {
			return Verdict(out.Receipt.Verdict), fs
		}
		return Verdict(out.Receipt.Verdict), m.findings
	}
	return AtFault, append(m.findings[:len(m.findings):len(m.findings)], m.placed(out.Findings)...)
}

// placed gives findings of the archive, which knows no bytes, the document's place.
func (m *message) placed(fs []finding.Finding) []finding.Finding {
	out := make([]finding.Finding, len(fs))
	for i, f := range fs {
		if f.Place == (finding.Place{}) {
			f.Place = m.frame.Tree.Place(at(m.frame.Document.ID.Node, m.frame.Root), finding.SourceFrame)
		}
		out[i] = f
	}
	return out
}

// outcomeAnswer is called by the archive's writer for what it logs.
func (m *message) outcomeAnswer(out store.Outcome) store.Answer {
	verdict, fs := m.outcomeFindings(out)
	return m.answer(verdict, fs, m.ack(verdict, fs))
}

// fault answers by a SOAP Fault.
func (m *message) fault(status int, sender bool, fs ...finding.Finding) Answer {
	f := soap.Fault{
		Reply:  soap.Reply{Version: m.version, MessageID: "urn:uuid:" + m.NewID()},
		Status: status, Sender: sender, Findings: fs, Profile: m.Judge.Profile, RequestID: m.req.ID,
	}
	if m.soap != nil {
		f.Addressing = m.soap.Addressing
	}
	a := FaultAnswer(f)
	a.Report.Interaction, a.Report.ServiceRequest = m.report.Interaction, m.report.ServiceRequest
	a.Report.Failure, a.Report.Timings = m.report.Failure, m.watch.out
	return a
}

// FaultAnswer makes the answer of a fault.
func FaultAnswer(f soap.Fault) Answer {
	var b bytes.Buffer
	// Writing to a bytes.Buffer does not fail.
	_ = soap.WriteFault(&b, f)
	return Answer{
		Status: f.HTTPStatus(), ContentType: f.Version.ContentType(""), Body: b.Bytes(),
		Report: Report{SOAP: f.Version, Verdict: Fault, Rules: ruleNames(f.Findings)},
	}
}

// acknowledge makes and sends an acknowledgement.
func (m *message) acknowledge(v Verdict, fs []finding.Finding) Answer {
	return m.reply(v, m.ack(v, fs), fs)
}

// reply puts an acknowledgement into an envelope.
func (m *message) reply(v Verdict, ack []byte, fs []finding.Finding) Answer {
	r := soap.Reply{
		Version: m.version, Addressing: m.soap.Addressing,
		MessageID: "urn:uuid:" + m.NewID(), Action: cda.NamespaceHL7 + ":" + m.answerRoot(),
	}
	var b bytes.Buffer
	// Writing to a bytes.Buffer does not fail.
	_ = r.Write(&b, func(w io.Writer) error { _, err := w.Write(ack); return err })
	m.watch.lap("answer")
	if m.asks() {
		v = Verdict(responseVerdict(v))
	}
	m.report.Verdict, m.report.Rules, m.report.Timings = v, ruleNames(fs), m.watch.out
	return Answer{Status: http.StatusOK, ContentType: m.version.ContentType(r.Action), Body: b.Bytes(), Report: m.report}
}
