package frame

import (
	"portti/cda"
	"portti/cda/frame/interactions"
)

// NullifyForm tells in which form of kanta-interface 10.2 the frame nullifies; ""
// where it does not, or in a form that the table does not recognise.
//
// A package that brings a new version makes it the form ByDocument, whatever the
// status says: the version is archived and closes its series. Otherwise the frame
// alone nullifies, by its service request or interaction (ByFrame) or by the status
// of its document (ByStatus).
func (f *Frame) NullifyForm() interactions.Form {
	if f.Operation() != interactions.Nullify {
		return ""
	}
	form := interactions.ByFrame
	switch {
	case f.Document.Text > 0 && f.replaces().HasValue():
		form = interactions.ByDocument
	case f.table.NullifiedStatus(f.Document.Status.Code):
		form = interactions.ByStatus
	case f.Document.Text > 0:
		form = interactions.ByDocument // what it replaces is missing, which is told
	}
	if !f.table.Nullifies(form) {
		return ""
	}
	return form
}

// NullifiesByFrame tells that the frame nullifies without bringing a document.
func (f *Frame) NullifiesByFrame() bool {
	form := f.NullifyForm()
	return form == interactions.ByFrame || form == interactions.ByStatus
}

// replaces gives the id of the version that another one replaces; zero where the
// frame names none, or its own document.
func (f *Frame) replaces() cda.ID {
	for _, d := range f.Document.Related {
		if d.TypeCode == "RPLC" && d.ID.HasValue() && d.ID.Root != f.Document.ID.Root {
			return d.ID
		}
	}
	return cda.ID{}
}

// Nullified gives the id of the version that a frame alone nullifies: the one that
// it says to replace, else its document's.
func (f *Frame) Nullified() cda.ID {
	if id := f.replaces(); id.HasValue() {
		return id
	}
	return f.Document.ID
}
