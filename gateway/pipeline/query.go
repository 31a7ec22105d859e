package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules"
	"portti/internal/finding"
	"portti/store"
	"portti/xmldsig"
)

// Library is what queries and nullifications by frame need of the archive;
// *store.Store is one.
type Library interface {
	Signatures
	Search(ctx context.Context, sc store.Scope, f store.Filter, limit int, continuation string) (store.Page, error)
	Lookup(ctx context.Context, sc store.Scope, ids []string, f store.Filter) ([]store.Hit, error)
	LookupSeries(ctx context.Context, sc store.Scope, setIDs []string, f store.Filter) ([]store.Hit, error)
	Document(ctx context.Context, sc store.Scope, id string) (*store.Document, error)
	Frame(ctx context.Context, sc store.Scope, id string) ([]byte, error)
	Nullify(context.Context, store.Nullification) (store.Outcome, error)
	MessageStatus(ctx context.Context, sc store.Scope, messageID string) ([]store.MessageStatus, error)
	DocumentStatus(ctx context.Context, sc store.Scope, documentID string) ([]store.MessageStatus, error)
}

// Bounds of an answer.
const (
	// MetadataPart and DocumentPart are how many documents a part holds where the query
	// does not tell; MaxPart is the most.
	MetadataPart = 50
	DocumentPart = 10
	MaxPart      = 200
	// collected is how many documents are looked for before the first part is given.
	collected = 1000
	// searchStep is how many hits are read at a time.
	searchStep = 200
	// maxEcho is the largest query that is repeated in its answer.
	maxEcho = 64 << 10
)

// query is a query on its way.
type query struct {
	session
	key       string
	releasing Releasing
	// part is what this answer gives; cut are hits of it that were decided already.
	part    []given
	decided map[string]given
	// told is what the answer tells beside documents: of messages, of a client's will.
	told      []finding.Finding
	total     int
	remaining int
	logs      queryLogs
}

// given is a document that may be given, with the ruling.
type given struct {
	Found
	ruling   Ruling
	document []byte
	attached []frame.Attachment
}

// asks tells that the message is a query or the continuation of one.
func (m *message) asks() bool {
	if m.frame == nil || m.frame.Interaction == nil {
		return false
	}
	k := m.frame.Interaction.Kind
	return k == interactions.KindQuery || k == interactions.KindContinuation
}

// ask answers a query as far as it does not write: what is found, decided and read.
func (m *message) ask(ctx context.Context) {
	m.alone()
	m.access()
	if m.Library == nil {
		m.unsupported()
	}
	if m.decision = Decide(m.findings, nil, m.Judge.Profile); m.decision == Reject {
		return
	}
	q := &query{decided: map[string]given{}}
	m.query = q
	err := m.answerable(ctx, q)
	m.watch.lap("query")
	if err != nil {
		m.lost(err)
	}
	m.decision = max(m.decision, Decide(m.findings, nil, m.Judge.Profile))
}

// alone judges the persons in a message that brings no document.
func (m *message) alone() {
	m.findings = append(m.findings, rules.FrameAlone(rules.Input{Frame: m.frame, Profile: m.Judge.Profile, World: m.Judge.World})...)
}

// lost notes a failure of the archive: CR or AR where it may pass.
func (m *message) lost(err error) {
	if f, ok := passing(err); ok {
		m.report.Failure = err
		m.findings = append(m.findings, f)
		return
	}
	m.broke(err)
}

func (m *message) answerable(ctx context.Context, q *query) error {
	if !m.begin(q) {
		return nil
	}
	if q.asker.Operation == interactions.QueryStatus {
		return m.askStatus(ctx, q)
	}
	releasing, fs, err := m.release().Begin(ctx, q.asker)
	if err != nil {
		return err
	}
	m.findings = append(m.findings, m.atQuery(fs)...)
	if Decide(fs, nil, m.Judge.Profile) == Reject {
		return nil
	}
	q.releasing = releasing
	if err := m.choose(ctx, q); err != nil || m.refusedQuery() {
		return err
	}
	if q.asker.Operation == interactions.QueryWill && m.frame.Interaction.Kind == interactions.KindQuery {
		if err := m.tellWill(ctx, q); err != nil {
			return err
		}
	}
	return m.fetch(ctx, q)
}

func (m *message) release() Release {
	if m.Release == nil {
		return OwnRegisters{}
	}
	return m.Release
}

// refusedQuery tells that a finding refuses the query.
func (m *message) refusedQuery() bool {
	return Decide(m.findings, nil, m.Judge.Profile) == Reject
}

// atQuery gives findings that have no place the query's.
func (m *message) atQuery(fs []finding.Finding) []finding.Finding {
	for i := range fs {
		if fs[i].Place == (finding.Place{}) {
			fs[i].Place = m.frame.Tree.Place(at(m.frame.Query, m.frame.Root), finding.SourceFrame)
		}
	}
	return fs
}

// begin makes the session of a query, or finds the one to continue; false where the
// message is at fault.
func (m *message) begin(q *query) bool {
	q.key = m.sessionKey()
	if m.frame.Interaction.Kind == interactions.KindQuery {
		q.session = session{
			asker: m.asker(), interaction: m.frame.Interaction, request: m.frame.Request,
			selection: m.selection(), echo: m.echo(),
		}
		return true
	}
	s, ok := m.sessions.get(q.key, m.Now())
	if !ok || m.frame.User.Present() && !m.frame.User.ID.Same(s.asker.User.ID) {
		m.findings = append(m.findings, m.atQuery([]finding.Finding{{Rule: RuleContinuation}})...)
		return false
	}
	q.session = s
	q.asker.At, q.asker.Peer, q.asker.Own = m.req.Arrived, m.req.Peer, m.own()
	if n := m.frame.Asked.Quantity; n > 0 {
		q.selection.count = min(n, MaxPart)
	}
	return m.proceed(q)
}

// proceed sets where a continuation goes on: where it says, or where the last part
// ended. What has been given can be asked for again.
func (m *message) proceed(q *query) bool {
	start := m.frame.Asked.Start
	if start == 0 {
		q.given = q.reached
		return true
	}
	if start-1 > q.reached {
		m.findings = append(m.findings, m.atQuery([]finding.Finding{{
			Rule: RuleContinuationStart, Value: strconv.Itoa(start), Params: []finding.Param{finding.P("next", strconv.Itoa(q.reached+1))},
		}})...)
		return false
	}
	q.given = start - 1
	return true
}

// sessionKey tells the queries of senders apart: another's cannot be continued.
func (m *message) sessionKey() string {
	return m.owner() + "\x00" + m.frame.Sender.ID.Root + "\x00" + m.frame.Asked.ID.String()
}

// echo gives the query as it is repeated in its answer.
func (m *message) echo() []byte {
	var b bytes.Buffer
	c := xmldsig.Canonicalizer{Algorithm: xmldsig.Exclusive10}
	if err := c.Write(&b, m.frame.Tree, m.frame.Query); err != nil || b.Len() > maxEcho {
		return nil
	}
	return b.Bytes()
}

// selection reads what the query looks for.
func (m *message) selection() selection {
	q := &m.frame.Asked
	s := selection{documents: q.Texts(interactions.FieldDocument), series: q.Texts(interactions.FieldSeries)}
	f := &s.filter
	f.Client, f.Author = q.First(interactions.FieldClient).Text, q.First(interactions.FieldAuthor).Text
	f.Case, f.Relationship = q.First(interactions.FieldCase).Text, q.First(interactions.FieldRelationship).Text
	f.Groups, f.GeneralTypes, f.SpecificTypes = q.Texts(interactions.FieldGroup), q.Texts(interactions.FieldGeneralType), q.Texts(interactions.FieldSpecificType)
	f.Tasks, f.Processes, f.Services = q.Texts(interactions.FieldTask), q.Texts(interactions.FieldProcess), q.Texts(interactions.FieldService)
	f.Units, f.Registers, f.Controllers = q.Texts(interactions.FieldUnit), q.Texts(interactions.FieldRegister), q.Texts(interactions.FieldController)
	effective, arrived := q.First(interactions.FieldEffective), q.First(interactions.FieldArrived)
	f.EffectiveFrom, f.EffectiveUntil = effective.From, effective.Until
	f.ArrivedFrom, f.ArrivedUntil = arrived.From, arrived.Until
	// A document that is named is meant, be it replaced or not.
	f.Earlier = !q.Flag(interactions.FieldNewest, len(s.documents) == 0)
	f.Nullified = q.Flag(interactions.FieldNullified, false)
	m.byRequest(&s)
	return s
}

// byRequest narrows a selection to what its service request is for.
func (m *message) byRequest(s *selection) {
	s.all = m.frame.Interaction.Operation == interactions.QueryDocument
	s.count = m.frame.Asked.Quantity
	if r := m.frame.Request; r != nil {
		if len(r.Groups) > 0 {
			s.filter.Groups = within(s.filter.Groups, r.Groups)
		}
		if len(r.Packages) > 0 {
			s.all, s.packages = false, r.Packages
		}
	}
	if s.count == 0 {
		s.count = MetadataPart
		if s.all {
			s.count = DocumentPart
		}
	}
	s.count = min(s.count, MaxPart)
}

// noSuchGroup stands for a query of groups that its service request does not cover.
const noSuchGroup = "-"

// within gives the asked that are allowed; all allowed where none are asked.
func within(asked, allowed []string) []string {
	if len(asked) == 0 {
		return allowed
	}
	var out []string
	for _, a := range asked {
		if slices.Contains(allowed, a) {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return []string{noSuchGroup}
	}
	return out
}

// unsupported tells that the message asks for what this archive does not do.
func (m *message) unsupported() {
	m.findings = append(m.findings, finding.Finding{
		Rule: RuleOperation, Place: m.frame.Tree.Place(m.frame.Root, finding.SourceFrame), Value: string(m.frame.Operation()),
	})
}

// response makes the answer's octets. fs are all findings; the documents go out only
// where the verdict is good.
func (m *message) response(v Verdict, fs []finding.Finding) []byte {
	f := m.frame
	r := &frame.Response{
		Root: m.responseRoot(), ID: cda.ID{Root: m.Root, Extension: m.NewID()}, CreationTime: m.Now(),
		Receiver: f.Sender.ID.Root, Sender: f.Receiver.ID.Root, ProcessingCode: f.ProcessingCode.Code,
		Code: responseVerdict(v), Target: f.ID, Details: m.details(fs), QueryID: f.Asked.ID, Outcome: m.responseCode(v, fs), Total: -1,
	}
	if q := m.query; q != nil {
		r.Echo = q.echo
		if v == Accepted {
			r.Total, r.Current, r.Remaining = q.total, len(q.part), q.remaining
			for i := range q.part {
				r.Documents = append(r.Documents, q.part[i].described())
			}
		}
	}
	var b bytes.Buffer
	if err := frame.WriteResponse(&b, r); err != nil {
		panic(fmt.Sprintf("pipeline: response: %T", err)) // what it needs is there; a stored value that XML cannot carry came by XML
	}
	return b.Bytes()
}

// responseRoot is the name of the query's answer: its own, for a continuation that of
// the query continued, else the table's first.
func (m *message) responseRoot() string {
	if name := m.frame.Interaction.Response; name != "" {
		return name
	}
	if m.query != nil && m.query.interaction != nil {
		return m.query.interaction.Response
	}
	for _, i := range m.frame.Table().Interactions {
		if i.Kind == interactions.KindQuery {
			return i.Response
		}
	}
	return frame.AckRoot
}

// responseVerdict turns the word of an accept acknowledgement into that of an answer.
func responseVerdict(v Verdict) frame.AckCode {
	switch v {
	case Accepted:
		return frame.Answered
	case AtFault:
		return frame.AnswerError
	default:
		return frame.AnswerNot
	}
}

func (m *message) responseCode(v Verdict, fs []finding.Finding) frame.ResponseCode {
	switch {
	case v == Accepted && m.query != nil && (len(m.query.part) > 0 || len(m.query.told) > 0):
		return frame.ResponseOK
	case v == Accepted:
		return frame.ResponseNone
	case v == AtFault && m.queryAtFault(fs):
		return frame.ResponseQuery
	default:
		return frame.ResponseError
	}
}

// described gives what the answer tells of a document.
func (g *given) described() frame.Described {
	status := "COMPLETED"
	switch g.Status {
	case store.Replaced:
		status = "OBSOLETE"
	case store.NullifiedSeries:
		status = "NULLIFIED"
	}
	return frame.Described{
		ID: g.ID, SetID: g.SetID, Version: g.Version.Version, Status: status, Register: g.Register, Controller: g.Controller,
		Summary: g.Summary, Protected: g.ruling.Protected, Document: g.document, Attachments: g.attached,
	}
}
