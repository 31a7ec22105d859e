// Package pipeline takes a message from octets to acknowledgement: envelope,
// frame, document, signature, rules, access, commit, answer.
//
// Judge is the engine of the stages up to the rules. It is the only one: the
// SOAP door, the validation API and `portti validate` ask the same Judge, so they
// say the same of the same document. Pipeline puts the SOAP envelope before it
// and access, the archive and the acknowledgement after it.
//
// # What becomes of a message
//
// A stage returns findings; those of all stages are collected, also after an
// error, as long as a later stage still makes sense. Decide turns them into a
// verdict and is a pure function of rules and profile. A broken envelope, or a
// frame that cannot be acknowledged, is answered by a SOAP Fault; anything else
// by an acknowledgement with every finding: CA accepted, CE the document is at
// fault, CR it could not be taken now. What is refused is logged before it is
// answered; what is accepted is on the disk before it is answered.
//
// # Queries
//
// A query takes the same way as far as the frame; then its parameters (a table,
// package interactions) become a search, and a Release decides on each document
// found: given, hidden or refused. The rows of the usage and disclosure logs are
// on the disk before the answer leaves. A long answer is kept open in memory by
// sender and queryId; each further part is decided on anew. A gateway that was
// started again has no open answers: the query is sent again.
//
// A nullification by frame alone brings no document; what the frame says is held
// against the document that it names, and the archive marks the series.
//
// # Load
//
// The stages that compute run on as many messages at a time as there are
// processors; the place is given back before a message waits for the archive. A
// panic in a stage is one message's CR and a line in the log.
package pipeline
