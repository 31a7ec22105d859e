package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// MessageStatus is what became of a message (SEC-2).
type MessageStatus struct {
	MessageID, Device, Owner    string
	Interaction, ServiceRequest string
	Arrived                     time.Time
	Outcome                     OutcomeKind
	// Verdict, Acknowledgement and Findings are what was answered. The message log is
	// kept 30 days; after that the status of a document is told from the archive alone,
	// without the acknowledgement (FromArchive).
	Answer
	// DocumentID is the document it was about; InArchive tells that this document is
	// there now, at DocumentArrived.
	DocumentID      string
	InArchive       bool
	DocumentArrived time.Time
	FromArchive     bool
}

// The columns of message_log that a status is asked by.
const (
	byMessage  = "message_id"
	byDocument = "document_id"
)

// newestMessages bounds how many messages of one id are told.
const newestMessages = 20

const statusFields = `SELECT m.message_id, m.device, m.owner, m.interaction, m.service_request, m.arrived, m.outcome,
	m.verdict, m.ack, m.findings, m.document_id, d.arrived, m.seq FROM message_log m LEFT JOIN documents d ON d.seq = m.document`

// MessageStatus tells what became of the messages with an id, newest first. A
// scope sees the messages that its controllers own. Ids are the senders' own, so
// several senders' messages may share one. The message log keeps them 30 days;
// what became of a document can be asked for ever. Errors: ErrNotFound.
func (s *Store) MessageStatus(ctx context.Context, sc Scope, messageID string) ([]MessageStatus, error) {
	return s.status(ctx, sc, "message status", byMessage, messageID)
}

// DocumentStatus tells what became of the messages about a document, newest
// first, whether it is in the archive or was refused. A scope sees the messages
// that its controllers own and the documents in their registers. Errors:
// ErrNotFound, which to a sender means: not archived, send it.
func (s *Store) DocumentStatus(ctx context.Context, sc Scope, documentID string) ([]MessageStatus, error) {
	return s.status(ctx, sc, "document status", byDocument, documentID)
}

func (s *Store) status(ctx context.Context, sc Scope, op, column, id string) ([]MessageStatus, error) {
	if err := sc.check(op); err != nil {
		return nil, err
	}
	if id == "" {
		return nil, &Error{Kind: ErrNotFound, Op: op}
	}
	var out []MessageStatus
	err := s.reading(op, func(db *sql.DB) (err error) {
		if out, err = s.loggedStatus(ctx, db, sc, column, id); err != nil || column != byDocument || inArchive(out) {
			return err
		}
		more, err := s.archivedStatus(ctx, db, sc, id)
		out = append(out, more...)
		return err
	})
	if err == nil && len(out) == 0 {
		return nil, &Error{Kind: ErrNotFound, Op: op}
	}
	return out, err
}

func inArchive(ms []MessageStatus) bool {
	return slices.ContainsFunc(ms, func(m MessageStatus) bool { return m.InArchive })
}

func (s *Store) loggedStatus(ctx context.Context, db *sql.DB, sc Scope, column, id string) ([]MessageStatus, error) {
	in, args := sc.where("m.owner")
	q := statusFields + ` WHERE m.` + column + ` = ` + asText + ` AND m.` + column + ` <> '' AND ` + in + ` ORDER BY m.seq DESC LIMIT ` + asInt
	rows, err := db.QueryContext(ctx, q, append(append([]any{id}, args...), newestMessages)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []MessageStatus
	for rows.Next() {
		var m MessageStatus
		var arrived, seq int64
		var ack, findings []byte
		var doc sql.NullInt64
		err := rows.Scan(&m.MessageID, &m.Device, &m.Owner, &m.Interaction, &m.ServiceRequest, &arrived, &m.Outcome,
			&m.Verdict, &ack, &findings, &m.DocumentID, &doc, &seq)
		if err != nil {
			return nil, err
		}
		m.Arrived = fromMicros(arrived)
		if m.InArchive = doc.Valid; doc.Valid {
			m.DocumentArrived = fromMicros(doc.Int64)
		}
		if m.Acknowledgement, err = s.plain(place{inAcks, num(seq)}, nil, ack); err != nil {
			return nil, err
		}
		if m.Findings, err = s.plain(place{inFindings, num(seq)}, nil, findings); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// archivedStatus tells of a document what the message log no longer, or never, told
// this scope.
func (s *Store) archivedStatus(ctx context.Context, db *sql.DB, sc Scope, id string) ([]MessageStatus, error) {
	byController, args := sc.where("s.controller")
	byOwner, more := sc.where("d.owner")
	q := `SELECT d.message_id, d.device, d.owner, d.arrived, d.id, r.verdict, r.payload, t.salt FROM documents d
		JOIN series s ON s.set_id = d.set_id LEFT JOIN receipts r ON r.seq = d.seq LEFT JOIN salts t ON t.leaf = d.leaf
		WHERE d.id = ` + asText + ` AND (` + byController + ` OR ` + byOwner + `)`
	m := MessageStatus{Outcome: Archived, InArchive: true, FromArchive: true}
	var arrived int64
	var verdict sql.NullString
	var findings, salt []byte
	err := db.QueryRowContext(ctx, q, append(append([]any{id}, args...), more...)...).
		Scan(&m.MessageID, &m.Device, &m.Owner, &arrived, &m.DocumentID, &verdict, &findings, &salt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m.Arrived, m.Verdict = fromMicros(arrived), verdict.String
	m.DocumentArrived = m.Arrived
	if findings != nil { // a disposed document has none
		m.Findings, err = s.plain(place{inReceipts, m.DocumentID}, salt, findings)
	}
	return []MessageStatus{m}, err
}
