package store

import (
	"context"
)

// LogMessage writes a message that did not come to storing (rejected by an earlier
// stage, or a query) to the message log. It is Log with a message alone.
func (s *Store) LogMessage(ctx context.Context, m Message) error {
	return s.Log(ctx, Entries{Message: &m})
}

// Log writes log rows that belong together, durably: it returns after the commit
// has reached the disk. An answer that discloses data must not leave before the
// call for its entries has returned without an error.
func (s *Store) Log(ctx context.Context, e Entries) error {
	now := s.now()
	usage, err := s.usageRows(ctx, e.Usage, now, s.sealingKey)
	if err != nil {
		return fail("log", err)
	}
	disclosures, err := s.disclosureRows(ctx, e.Disclosures, now, s.sealingKey)
	if err != nil {
		return fail("log", err)
	}
	size := 0
	var m *messageRow
	if e.Message != nil {
		row := s.messageRow(e.Message, s.arrival(e.Message.Arrived))
		if row.key, err = s.sealingKey(ctx, "", sealMessages); err != nil {
			return fail("log", err)
		}
		m, size = &row, len(row.ack)+len(row.findings)+len(row.raw)
	}
	return s.doShort(ctx, "log", size, func(t *tx) error {
		if err := t.logUsage(usage, ""); err != nil {
			return err
		}
		if err := t.logDisclosures(disclosures); err != nil {
			return err
		}
		if m == nil {
			return nil
		}
		return t.logMessage(m, Logged, nil, m.Suspicious, 0)
	})
}

// messageColumns are those of message_log between seq and checksum.
const messageColumns = `arrived, message_id, device, owner, interaction, service_request, document_id, document, outcome,
	verdict, rule, suspicious, ack, findings, raw, timings`

const sqlMessage = `INSERT INTO message_log (` + messageColumns + `, checksum, seq)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// logAnswer logs a message whose answer depends on what the store decided.
func (t *tx) logAnswer(m *messageRow, out Outcome, answer func(Outcome) Answer, document int64) error {
	row := *m
	if answer != nil {
		a := answer(out)
		msg := *m.Message
		msg.Answer = a
		row.Message, row.ack, row.findings = &msg, pack(a.Acknowledgement), pack(a.Findings)
	}
	var rules []string
	for _, f := range out.Findings {
		rules = append(rules, f.Rule)
	}
	return t.logMessage(&row, out.Kind, rules, out.Suspicious || m.Suspicious, document)
}

// logMessage writes a message row. document is the number of the document it is
// about, 0 for none.
func (t *tx) logMessage(m *messageRow, kind OutcomeKind, rules []string, suspicious bool, document int64) error {
	var rule string
	if len(rules) > 0 {
		rule = rules[0]
	}
	var doc any
	if document != 0 {
		doc = document
	}
	s := t.w.s
	var sealed [3][]byte
	for i, c := range []struct {
		column  string
		payload []byte
	}{{inAcks, m.ack}, {inFindings, m.findings}, {inRaw, m.raw}} {
		var err error
		if sealed[i], err = s.seal(m.key, place{c.column, num(t.seq.message)}, nil, c.payload); err != nil {
			return err
		}
	}
	row := []any{micros(m.arrived), m.ID, m.Device, m.Owner, m.Interaction, m.ServiceRequest, m.documentID, doc,
		int64(kind), m.Verdict, rule, flag(suspicious), sealed[0], sealed[1], sealed[2], string(m.Timings)}
	err := t.exec(sqlMessage, append(row, columnsRecord(row).checksum(), t.seq.message)...)
	if err == nil {
		t.seq.message++
	}
	return err
}

const sqlUsage = `INSERT INTO usage_log (seq, at, data_controller, log_controller, client_key, user_key, user_name_key,
	system, document_id, action, purpose, refused, payload, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// logUsage writes usage rows; with a rule, as refused attempts.
func (t *tx) logUsage(rows []usageRow, rule string) error {
	keys := t.w.s.keys
	for i := range rows {
		r := &rows[i]
		u, l, refused := r.Usage, r.leaf, r.Refused
		if rule != "" {
			var err error
			refused = rule
			if l, err = newLeaf(leafUsage, r.record(rule), t.w.s.opt.Random); err != nil {
				return err
			}
		}
		leaf, err := t.leaf(&l, t.seq.usage)
		if err != nil {
			return err
		}
		payload, err := t.w.s.seal(r.key, place{inUsage, num(t.seq.usage)}, nil, r.payload)
		if err != nil {
			return err
		}
		err = t.exec(sqlUsage, t.seq.usage, micros(r.at), u.DataController, u.LogController, keys.person(u.Client),
			keys.person(u.User), keys.name(u.UserName), u.System, u.DocumentID, u.Action, u.Purpose, refused, payload, leaf)
		if err != nil {
			return err
		}
		t.seq.usage++
	}
	return nil
}

const sqlDisclosure = `INSERT INTO disclosure_log (seq, at, data_controller, log_controller, client_key, user_key, recipient,
	document_id, purpose, ground, refused, payload, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

func (t *tx) logDisclosures(rows []disclosureRow) error {
	keys := t.w.s.keys
	for i := range rows {
		r := &rows[i]
		d := r.Disclosure
		leaf, err := t.leaf(&r.leaf, t.seq.disclosure)
		if err != nil {
			return err
		}
		payload, err := t.w.s.seal(r.key, place{inDisclosure, num(t.seq.disclosure)}, nil, r.payload)
		if err != nil {
			return err
		}
		err = t.exec(sqlDisclosure, t.seq.disclosure, micros(r.at), d.DataController, d.LogController, keys.person(d.Client),
			keys.person(d.User), d.Recipient, d.DocumentID, d.Purpose, d.Ground, d.Refused, payload, leaf)
		if err != nil {
			return err
		}
		t.seq.disclosure++
	}
	return nil
}
