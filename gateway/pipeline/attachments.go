package pipeline

import (
	"crypto/sha256"

	"portti/cda/frame"
)

// attach notes the attachments of a package. They are part of what was sent: a
// resend with others is not the same message.
func (m *message) attach(p *frame.Package) {
	if p == nil {
		return
	}
	m.attachments = len(p.Attachments)
	for _, a := range p.Attachments {
		sum := sha256.Sum256(a.Bytes)
		m.attached = append(append(append(m.attached, 0), a.ContentID...), sum[:]...)
	}
}

// summary is what answers tell of the document.
func (m *message) summary() frame.Summary {
	s := frame.Summarize(&m.judged.Document.Metadata)
	s.Attachments = &m.attachments
	return s
}
