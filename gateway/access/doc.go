// Package access decides who may see or store what, and says why.
//
// Decide is a pure function: plain facts in, a decision out, the same every time.
// The facts are about the requester (organisation, unit, work task, reasons), the
// client, the document, and the state of the client's relationships, cases,
// registry-use rights, permission and prohibitions. A Decision tells the outcome
// (given, hidden, refused), the rule that hid or refused, the ground that a
// disclosure log records, and every question that was asked on the way with what
// was found, the requirement and the paragraph of law (Explain gives them as text
// in Finnish, Swedish and English).
//
// Hidden and refused differ: what is hidden is left out of an answer as if it were
// not there; what is refused ends the request with a finding, for there it is the
// requester who lacks something.
//
// The paths to a document, tried in this order:
//
//	own register        the document's controller is the requester's own (LUO-1)
//	registry-use right  the requester's unit provides the service for the organiser
//	                    (RKO-1…6); a prohibition does not stop it (RKO-6)
//	disclosure          another controller's document (LUO-2…5): strong
//	                    authentication, case connection or special reason, then
//	                    either the ground of a wide search (1299) or informing,
//	                    permission and no prohibition
//
// What the law and the decree say of work tasks stands in data/worktasks.yaml, the
// texts of the questions in data/steps.yaml, each with its source.
//
// Rights are never told from the arc of an OID, only from what the organisation
// register says (decisions, Archive).
package access
