package observe

import (
	"bytes"
	"crypto/sha256"
	"net/http"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/cda/rules/catalogue"
	"portti/conformance/run"
	"portti/conformance/wire"
	"portti/internal/xmltree"
	"portti/xmldsig/trust"
)

// message is what a client system sent, as far as it could be read.
type message struct {
	soap  string // 1.1, 1.2 or ""
	frame *frame.Frame
	// organisation is the client certificate's, device the sender named in the frame.
	organisation, device string
	id                   cda.ID
	document             *cda.Document
	documentID, setID    string
	version              int
	provider             bool   // the JSON names a service provider
	controller           string // custodian
	replaces             string // id of the replaced document
	nullifies            bool
	query                string // the kind of query, "" for other messages
	about                int    // how many parameters it has
	group, body          string
	sum                  [sha256.Size]byte
	attachments          int
	clients              []cda.Client
}

// read reads a request. It takes what there is: a message at fault is judged too.
func read(r *http.Request, body []byte) *message {
	m := &message{}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		m.organisation = trust.SubjectOf(r.TLS.VerifiedChains[0][0]).Organisation
	}
	t, err := xmltree.Parse(body, xmltree.Limits{Bytes: len(body)})
	if err != nil {
		return m
	}
	root := t.Root()
	switch t.Space(root) {
	case wire.NS11:
		m.soap = "1.1"
	case wire.NS12:
		m.soap = "1.2"
	}
	content := t.FirstElement(t.Child(root, t.Space(root), "Body"))
	if m.soap == "" || content <= 0 {
		return m
	}
	m.readFrame(t, content)
	return m
}

func (m *message) readFrame(t *xmltree.Tree, n xmltree.Node) {
	f, _ := frame.Read(t, n, catalogue.Strict)
	if f.Fatal {
		return
	}
	m.frame, m.id, m.device = f, f.ID, f.Sender.ID.Root
	m.documentID, m.setID, m.version = f.Document.ID.Root, f.Document.SetID.Root, f.Document.Version.Value
	m.clients, m.controller = f.Document.Clients, f.Document.Custodian.ID.Root
	m.nullifies = f.Operation() == interactions.Nullify
	for _, x := range f.Document.Related {
		m.replaces = x.ID.Root
	}
	m.readQuery()
	p, _ := f.Package()
	if p == nil || p.Document == nil {
		return
	}
	m.attachments = len(p.Attachments)
	m.sum = sha256.Sum256(p.Document.Bytes)
	m.readDocument(p.Document.Bytes)
}

// readQuery tells the kinds of queries apart by their service requests.
func (m *message) readQuery() {
	if m.frame.Query <= 0 {
		return
	}
	m.query = "other"
	for kind, request := range run.QueryRequests() {
		if m.frame.ServiceRequest.Code == request {
			m.query = kind
		}
	}
	m.about = len(m.frame.Asked.Parameters)
}

func (m *message) readDocument(b []byte) {
	t, err := xmltree.Parse(b, xmltree.Limits{Bytes: len(b)})
	if err != nil {
		return
	}
	d, _ := cda.Read(t)
	m.document, m.documentID, m.setID, m.version = d, d.ID.Root, d.SetID.Root, d.Version.Value
	m.group, m.clients = d.Local.DocumentGroup.Code, d.Clients
	if parent, ok := d.Replaces(); ok {
		m.replaces = parent.ID.Root
	}
	body, _ := d.JudgeBody()
	switch {
	case body == nil:
	case body.JSON != nil:
		m.body = "json"
		m.provider = bytes.Contains(body.JSON.Bytes, []byte(`"palveluntuottaja"`))
	case body.Display != nil && bytes.HasPrefix(body.Display.Bytes, []byte("%PDF")):
		m.body = "pdf"
	case body.Display != nil:
		m.body = "xhtml"
	}
}

// preparation tells whether the message archives what others need: a relationship
// or a case.
func (m *message) preparation() bool { return m.group == "1" || m.group == "2" }
