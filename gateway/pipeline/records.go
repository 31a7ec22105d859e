package pipeline

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/gateway/access"
	"portti/gateway/logs"
	"portti/internal/finding"
	"portti/internal/xmltree"
	"portti/store"
)

// This file turns a message into the archive's records: named fields and bytes.

// at gives n, or parent where n is absent.
func at(n, parent xmltree.Node) xmltree.Node {
	if n > 0 {
		return n
	}
	return parent
}

// details gives findings as the answer tells them.
func (m *message) details(fs []finding.Finding) []frame.Detail {
	c := catalogue.Default()
	resolved := make([]catalogue.Resolved, len(fs))
	for i, f := range fs {
		resolved[i] = c.Resolve(f, m.Judge.Profile, m.Lang)
	}
	return frame.Details(resolved)
}

// answerRoot is the name of the answer: an acknowledgement, or a query's response.
func (m *message) answerRoot() string {
	if m.asks() {
		return m.responseRoot()
	}
	return frame.AckRoot
}

// ack makes the answer's octets: an accept acknowledgement, to a query its response.
func (m *message) ack(v Verdict, fs []finding.Finding) []byte {
	if m.asks() {
		return m.response(v, fs)
	}
	id := cda.ID{Root: m.Root, Extension: m.NewID()}
	a := frame.AckFor(m.frame, id, m.Now(), frame.AckCode(v), m.details(fs))
	var b bytes.Buffer
	if err := frame.WriteAck(&b, a); err != nil {
		panic(err) // id, time, code and target are there, and a bytes.Buffer takes all
	}
	return b.Bytes()
}

func (m *message) answer(v Verdict, fs []finding.Finding, ack []byte) store.Answer {
	return store.Answer{Verdict: string(v), Acknowledgement: ack, Findings: packFindings(fs)}
}

// packFindings gives findings as the archive keeps them: unresolved, so that a
// resend is answered in the language and words of its own day.
func packFindings(fs []finding.Finding) []byte {
	b, err := json.Marshal(fs)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}

func unpackFindings(b []byte) ([]finding.Finding, bool) {
	var fs []finding.Finding
	err := json.Unmarshal(b, &fs)
	return fs, err == nil
}

// messageRow is the row of the message log.
func (m *message) messageRow() store.Message {
	f := m.frame
	return store.Message{
		ID: f.ID.String(), Device: f.Sender.ID.Root, Owner: m.owner(),
		Interaction: f.Name(), ServiceRequest: f.ServiceRequest.Code,
		DocumentID: f.Document.ID.Root, Arrived: m.req.Arrived, Timings: m.watch.out.json(), Suspicious: m.suspicious,
	}
}

// owner is the organisation whose message it is: its certificate's.
func (m *message) owner() string {
	if o := m.req.Peer.Organisation; o != "" {
		return o
	}
	return m.Owner
}

// json gives stage to microseconds.
func (t Timings) json() []byte {
	micros := make(map[string]int64, len(t))
	for _, x := range t {
		micros[x.Stage] += x.Took.Microseconds()
	}
	b, err := json.Marshal(micros)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}

// newArchival gathers everything that is archived of an accepted document. Facts
// come from the document; the frame agrees with it (the rules saw to that).
func (m *message) newArchival() *store.Archival {
	d, f := m.judged.Document, m.frame
	a := &store.Archival{
		ID: d.ID.Root, SetID: d.SetID.Root, Version: max(d.Version.Value, 1),
		Nullifies:  f.Operation() == interactions.Nullify,
		Reason:     f.Document.Reason.Code,
		Controller: d.Custodian.ID.Root, Register: register(d, f),
		Document: d.Tree.Source(), Frame: f.Tree.Source(), // the whole request; the archive keeps the document in it once
		Facts:   facts(f),
		Index:   index(&d.Metadata, f.Table()),
		Message: m.messageRow(),
	}
	a.Index.State = stateOf(a.Index.Phase, &d.Metadata, m.judged.Body)
	if a.SetID == "" {
		a.SetID = a.ID
	}
	if r, ok := d.Replaces(); ok {
		a.Replaces = r.ID.Root
	}
	a.Facts = append(a.Facts, m.attached...)
	a.Index.Summary = m.summary().JSON()
	a.Usage = m.documentUsage(&d.Metadata)
	a.Disclosures = m.disclosed(a)
	return a
}

// register is the register that the document goes to: the frame's, which real
// documents repeat in the local header.
func register(d *cda.Document, f *frame.Frame) string {
	if c := f.Document.Register.Code; c != "" {
		return c
	}
	return d.Local.RegistryType.Code
}

// facts are what a resend must repeat beside the document's bytes.
func facts(f *frame.Frame) []byte {
	return []byte(strings.Join([]string{
		f.Name(), f.ServiceRequest.Code, f.UseSituation.Code, f.Document.Custodian.ID.Root,
		f.Document.SetID.Root, f.Document.Version.Raw, f.Document.Status.Code, f.Document.Reason.Code,
	}, "\x00"))
}

// healthGroup stands for the document group of documents that have none.
const healthGroup = "health"

// IndexOf gives a reading of archived documents for Store.Reindex: what each is found
// by and what it says of clients, by a table of interactions (the shipped one where
// nil). Its bytes are those that were judged when they came, so that their signatures
// are not judged again.
func IndexOf(table *interactions.Table) func(document []byte) (store.Index, error) {
	if table == nil {
		table = interactions.Default()
	}
	return func(document []byte) (store.Index, error) {
		tree, err := xmltree.Parse(document, xmltree.Limits{})
		if err != nil {
			return store.Index{}, err
		}
		d, _ := cda.Read(tree)
		body, _ := d.JudgeBody()
		x := index(&d.Metadata, table)
		x.State = stateOf(x.Phase, &d.Metadata, body)
		return x, nil
	}
}

func index(d *cda.Metadata, t *interactions.Table) store.Index {
	l := &d.Local
	x := store.Index{
		Group: l.DocumentGroup.Code, GeneralType: d.Code.Code, SpecificType: l.SpecificType.Code,
		Phase: phase(t, l.DocumentGroup.Code), Process: l.ServiceProcess.Code.Code,
		Case: d.Encounter.ID.Root, Relationship: l.ClientRelationship.Root,
		Unit: d.Encounter.Unit().ID.Root, Organiser: organiser(d),
		Effective: d.EffectiveTime.Time, Created: l.CreationTime.Time,
		Language: strings.ToLower(d.Language.Code), Format: l.FileFormat.Code, StructuredFormat: l.StructuredFileFormat.Code,
		ContentSpec: l.ContentSpecification.Value, RetentionClass: l.RetentionClass.Code,
		Software: strings.TrimSpace(l.Software.Product + " " + l.Software.Version), Special: l.SpecialContent.Code == "K",
		Provider: l.ServiceProvider.Root, Clients: clientIDs(d),
		Summary: frame.Summarize(d).JSON(),
	}
	if x.Group == "" {
		x.Group = healthGroup
	}
	if len(d.Authors) > 0 {
		x.Author = d.Authors[0].ID.PersonKey()
		x.Implementer = d.Authors[0].Organization.ID.Root
	}
	for _, fn := range l.Functions {
		x.Tasks = append(x.Tasks, fn.Code)
	}
	return x
}

// phase is the key of the document group in the table of interactions.
func phase(t *interactions.Table, group string) string {
	if g := t.Group(group); g != nil {
		return g.Key
	}
	return ""
}

func organiser(d *cda.Metadata) string {
	if id := d.Local.Organiser.Root; id != "" {
		return id
	}
	return d.Encounter.Organiser.ID.Root
}

// usage is the usage-log row of archiving a document of a controller (LOG-1). Who
// did it, and by which message, is what the frame says; whose data, what the document says.
func (m *message) usage(document, controller string, clients []string) store.Usage {
	f := m.frame
	u := store.Usage{
		At: m.req.Arrived, DataController: controller, LogController: m.logController(f.User.Organization.ID.Root, controller),
		User: f.User.ID.PersonKey(), UserName: f.User.Name.Full(), System: f.Sender.ID.Root,
		DocumentID: document, Action: m.action(), Purpose: f.UseSituation.Code,
		Detail: logs.Detail{Message: f.ID.String(), ServiceRequest: f.ServiceRequest.Code, Unit: f.User.Organization.ID.Root}.JSON(),
	}
	if len(clients) > 0 {
		u.Client = clients[0]
	}
	return u
}

// logController gives whose log a row of a user in a unit belongs to: the
// organisation that the unit is of by the register; where that is not known, other.
// A log is the provider's own for whom the user works (kanta-facts-2 2.2).
func (m *message) logController(unit, other string) string {
	if d := m.Judge.Organisations.Directory(); d != nil {
		if top := d.Register.Top(unit); top != "" {
			return top
		}
	}
	return other
}

// refusedUsage is the usage-log row of an attempt that access refused; what an
// earlier stage refused used nobody's data.
func (m *message) refusedUsage() []store.Usage {
	if m.frame.NullifiesByFrame() || m.frame.Orders() {
		return m.refusedAlone()
	}
	if m.judged == nil || m.judged.Document == nil {
		return nil
	}
	rule := m.accessRule()
	if rule == "" {
		return nil
	}
	us := m.documentUsage(&m.judged.Document.Metadata)
	for i := range us {
		us[i].Refused = rule
	}
	return us
}

// documentUsage gives the usage-log rows of a document that is to be archived: one
// for each client, so that it is found by any of them (DOC-8).
func (m *message) documentUsage(d *cda.Metadata) []store.Usage {
	detail := m.documentDetail(d)
	u := m.usage(d.ID.Root, d.Custodian.ID.Root, nil)
	u.Detail = detail.JSON()
	out := []store.Usage{u}
	for i, c := range d.Clients {
		if i > 0 {
			out = append(out, u)
		}
		if c.ID.HasValue() {
			out[i].Client = c.ID.PersonKey()
		}
		detail.ClientName = c.Name.Full()
		out[i].Detail = detail.JSON()
	}
	return out
}

// documentDetail is what the log tells of a document beside its columns.
func (m *message) documentDetail(d *cda.Metadata) logs.Detail {
	f, l := m.frame, &d.Local
	out := logs.Detail{
		Message: f.ID.String(), ServiceRequest: f.ServiceRequest.Code, Unit: f.User.Organization.ID.Root, Case: d.Encounter.ID.Root,
		Group: l.DocumentGroup.Code, GeneralType: d.Code.Code, SpecificType: l.SpecificType.Code,
		Organiser: organiser(d), Provider: l.ServiceProvider.Root,
	}
	for _, fn := range l.Functions {
		out.Tasks = append(out.Tasks, fn.Code)
	}
	return out
}

// clientIDs gives what the document's clients are found by, the main client first.
func clientIDs(d *cda.Metadata) []string {
	var out []string
	for _, c := range d.Clients {
		for _, id := range append([]cda.ID{c.ID}, c.MoreIDs...) {
			if id.HasValue() {
				out = append(out, id.PersonKey())
			}
		}
	}
	return out
}

// stateOf is what a document's body, which its signatures cover, says of client
// relationships, cases and the client's will; nil for other documents. A client
// relationship may name its client by further ids in the header: a temporary id
// that an identity code has come to (DOC-10).
func stateOf(phase string, d *cda.Metadata, body *cda.Body) *store.State {
	if !stateful[phase] || body == nil || body.JSON == nil {
		return nil
	}
	s := access.StateOf(body.JSON.Bytes)
	if s == nil {
		return nil
	}
	header := clientIDs(d)
	whole(s, header)
	if s.Relationship != nil && len(d.Clients) == 1 {
		c := &s.Relationship.Client
		for _, id := range header {
			if !slices.Contains(c.IDs, id) {
				c.IDs = append(c.IDs, id)
			}
		}
	}
	return s
}

// whole gives the clients of a state the keys of the header's clients.
func whole(s *store.State, header []string) {
	for _, p := range s.Persons() {
		for i, key := range p.IDs {
			p.IDs[i] = meant(header, key)
		}
	}
}

// meant gives the key of the header's client that a body's key means: where the body
// leaves out, or writes otherwise, whose temporary id it is, the header's root counts,
// unless two of its clients have that code.
func meant(header []string, key string) string {
	if slices.Contains(header, key) {
		return key
	}
	code, found := key[strings.LastIndexByte(key, ' ')+1:], ""
	for _, h := range header {
		root, c, _ := strings.Cut(h, " ")
		if !cda.IsTemporaryClientRoot(root) || !strings.EqualFold(c, code) {
			continue
		}
		if found != "" {
			return key
		}
		found = h
	}
	return cmp.Or(found, key)
}

// stateful are the document groups, by key, whose documents make the state of
// clients.
var stateful = map[string]bool{"relationship": true, "case": true, "permission": true, "prohibition": true}
