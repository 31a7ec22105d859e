package migrate

import (
	"bytes"
	"errors"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/internal/xmltree"
)

// Sending is how frames around documents are made.
type Sending struct {
	System System
	User   User
	// Production writes processing code P.
	Production bool
}

// Sending gives the mapping's.
func (m *Mapping) Sending() Sending { return Sending{System: m.System, User: m.User} }

var errDocument = errors.New("migrate: a document of the journal cannot be read")

// Frame puts a document into its transfer frame. What the frame says of it follows
// from the document; only the message's number and time are this sending's own.
func (s Sending) Frame(document []byte, attachments []frame.Attachment, message string, at time.Time) ([]byte, error) {
	t, err := xmltree.Parse(document, xmltree.Limits{Bytes: len(document) + 1, Text: len(document) + 1})
	if err != nil {
		return nil, errors.Join(errDocument, err)
	}
	d, _ := cda.Read(t)
	sender := s.System.Sender
	if sender == "" {
		sender = d.Custodian.ID.Root
	}
	o := frame.Options{
		MessageID: cda.ID{Root: s.System.OID, Extension: message}, CreationTime: at.In(cda.Helsinki()), Sender: sender, Attachments: attachments,
		User: frame.User{ID: cda.ID{Root: s.User.Root, Extension: s.User.ID},
			Name: cda.Name{Given: []string{s.User.Given}, Family: []string{s.User.Family}}, Organization: d.Custodian},
	}
	if s.Production {
		o.ProcessingCode = "P"
	}
	var b bytes.Buffer
	b.Grow(len(document)*3/2 + 8192)
	if err := frame.Write(&b, &d.Metadata, document, o); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
