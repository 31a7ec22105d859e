package web

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"

	"portti/cda/frame"
	"portti/gateway/pipeline"
	"portti/store"
)

// attachmentView is a part of the package that came beside the document.
type attachmentView struct {
	URL, Name, Type string
	Size            string // in bytes
}

// attachments reads those of a document from the request that it came in. A request
// that has none to read, as those of old systems, has none.
func (s *Site) attachments(r *http.Request, x *session, d held) ([]frame.Attachment, error) {
	if d.Disposed {
		return nil, nil
	}
	request, err := s.Store.Frame(r.Context(), x.scope(), d.Document.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	list, err := pipeline.Attached(request, s.Judge.Frames)
	if err != nil {
		return nil, nil // no frame, such as the notice of a nullification
	}
	return list, nil
}

func attachmentViews(url string, list []frame.Attachment) []attachmentView {
	var out []attachmentView
	for i, a := range list {
		out = append(out, attachmentView{URL: url + "/attachments/" + strconv.Itoa(i+1), Name: a.ContentID, Type: a.MediaType,
			Size: grouped(len(a.Bytes))})
	}
	return out
}

// attachment serves one attachment: a PDF to be looked at, and whatever else it may be
// as a file that no browser opens here.
func (s *Site) attachment(w http.ResponseWriter, r *http.Request, x *session) {
	d, ok := s.fetch(w, r, x, "archivist-attachment")
	if !ok {
		return
	}
	list, err := s.attachments(r, x, d)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 || n > len(list) {
		s.tell(w, r, http.StatusNotFound, "not_found", "not_found_text")
		return
	}
	a, h := list[n-1], w.Header()
	name := fileName(d.Document.ID) + "-" + strconv.Itoa(n)
	if a.MediaType == "application/pdf" && bytes.HasPrefix(a.Bytes, []byte("%PDF-")) {
		safeHeaders(h, "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'")
		h.Set("Content-Type", "application/pdf")
		h.Set("Content-Disposition", `inline; filename="`+name+`.pdf"`)
	} else {
		safeHeaders(h, "sandbox; default-src 'none'")
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	_, _ = w.Write(a.Bytes) // a client that has gone is no fault of ours
}
