package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// This file is the transfers' part that runs in the writer, and their reads.

const sqlTransferState = `SELECT step FROM transfer_steps WHERE transfer = ` + asInt + ` AND step <> 'part' ORDER BY seq DESC LIMIT 1`

// openStep records that a plan is begun or dropped, once.
func (t *tx) openStep(x *Transfer, step string, by actor) error {
	var last string
	switch there, err := t.found(sqlTransferState, []any{x.ID}, &last); {
	case err != nil:
		return err
	case there && last == step:
		return nil
	case there:
		return stale("the plan is " + last)
	}
	return t.keepStep(x, step, by, 0, sha256.Sum256(nil))
}

// closeTransfer records that a plan is done, once.
func (t *tx) closeTransfer(x *Transfer, by actor) error {
	var last string
	if err := t.row(sqlTransferState, []any{x.ID}, &last); err != nil || last == "done" {
		return err
	}
	var moved int64
	err := t.row(`SELECT coalesce(sum(series), 0) FROM transfer_steps WHERE transfer = `+asInt+` AND step = 'part'`, []any{x.ID}, &moved)
	if err != nil {
		return err
	}
	return t.keepStep(x, "done", by, moved, sha256.Sum256(nil))
}

const sqlKeepStep = `INSERT INTO transfer_steps (seq, transfer, step, at, series, digest, actor, leaf) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`

func stepRecord(transfer int64, step string, at, series int64, digest []byte, by string) *record {
	return new(record).int(transfer).text(step).int(at, series).bytes(digest).text(by)
}

func (t *tx) keepStep(x *Transfer, step string, by actor, series int64, digest [sha256.Size]byte) error {
	at := micros(t.w.s.now())
	l, err := newLeaf(leafTransferStep, stepRecord(x.ID, step, at, series, digest[:], by.name), t.w.s.opt.Random)
	if err != nil {
		return err
	}
	leaf, err := t.leaf(&l, t.seq.step)
	if err != nil {
		return err
	}
	payload, err := t.note(by.key, inSteps, t.seq.step, []byte(by.name))
	if err != nil {
		return err
	}
	err = t.exec(sqlKeepStep, t.seq.step, x.ID, step, at, series, digest[:], payload, leaf)
	if err == nil {
		t.seq.step++
	}
	return err
}

// keepPart records a batch. Its rows stand already, under the step's number: the
// series' own change demands them.
func (t *tx) keepPart(x *Transfer, moved []seriesMove, by actor) error {
	r := new(record)
	for i := range moved {
		moved[i].record(r)
	}
	return t.keepStep(x, "part", by, int64(len(moved)), sha256.Sum256(r.b))
}

// seriesMove is what became of one series.
type seriesMove struct {
	setID              string
	newest             int64
	newestID           string
	from, fromRegister string
	to, toRegister     string
}

func (m *seriesMove) record(r *record) {
	r.text(m.setID).int(m.newest).text(m.from, m.fromRegister, m.to, m.toRegister)
}

const (
	sqlMoveOf     = `SELECT s.newest, d.id, s.controller, s.register, s.nullified IS NOT NULL FROM series s JOIN documents d ON d.seq = s.newest WHERE s.set_id = ` + asText
	sqlMoved      = `INSERT INTO transferred (set_id, step, newest, from_controller, from_register, to_controller, to_register) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqlMoveSeries = `UPDATE series SET controller = ?, register = ? WHERE set_id = ?`
)

// moveSeries gives a series to its new controller, with its index and its counts.
// ok is false where it is no longer of the plan.
func (t *tx) moveSeries(x *Transfer, setID string, step int64) (m *seriesMove, ok bool, err error) {
	m = &seriesMove{setID: setID, to: x.ToController, toRegister: x.ToRegister}
	var nullified bool
	ok, err = t.found(sqlMoveOf, []any{setID}, &m.newest, &m.newestID, &m.from, &m.fromRegister, &nullified)
	if err != nil || !ok || m.from != x.FromController || x.FromRegister != "" && m.fromRegister != x.FromRegister {
		return m, false, err
	}
	if m.toRegister == "" {
		m.toRegister = m.fromRegister
	}
	if m.to == m.from && m.toRegister == m.fromRegister {
		return m, false, nil
	}
	if err := t.exec(sqlMoved, m.setID, step, m.newest, m.from, m.fromRegister, m.to, m.toRegister); err != nil {
		return m, false, err
	}
	if err := t.exec(sqlMoveSeries, m.to, m.toRegister, m.setID); err != nil {
		return m, false, err
	}
	if err := t.changedSeries(m.setID, t.seq.leaf); err != nil {
		return m, false, err
	}
	return m, true, t.moveDocuments(m, nullified)
}

const sqlMoveDocuments = `SELECT d.seq, d.register, d.size, coalesce(i.doc_group, '') FROM documents d
	LEFT JOIN doc_index i ON i.seq = d.seq WHERE d.set_id = ` + asText + ` ORDER BY d.version`

// moveDocuments moves the counts and index keys of a series' documents. Those
// without an index row (disposed of) are not counted.
func (t *tx) moveDocuments(m *seriesMove, nullified bool) error {
	st, err := t.w.stmt(sqlMoveDocuments)
	if err != nil {
		return err
	}
	rows, err := st.Query(m.setID)
	if err != nil {
		return err
	}
	type document struct {
		seq, size       int64
		register, group string
	}
	var docs []document
	for rows.Next() {
		var d document
		if err := rows.Scan(&d.seq, &d.register, &d.size, &d.group); err != nil {
			rows.Close()
			return err
		}
		docs = append(docs, d)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, d := range docs {
		if d.group == "" {
			continue
		}
		if m.to != m.from {
			t.deltas = append(t.deltas,
				delta{controller: m.from, register: d.register, group: d.group, documents: -1, bytes: -d.size},
				delta{controller: m.to, register: d.register, group: d.group, documents: 1, bytes: d.size})
			if err := t.rekey(d.seq, m.from, m.to); err != nil {
				return err
			}
		}
		if d.seq == m.newest {
			out, in := delta{controller: m.from, register: m.fromRegister, group: d.group}, delta{controller: m.to, register: m.toRegister, group: d.group}
			if nullified {
				out.nullified, in.nullified = -1, 1
			} else {
				out.current, in.current = -1, 1
			}
			t.deltas = append(t.deltas, out, in)
		}
	}
	return nil
}

const (
	sqlIndexRow   = `SELECT ` + indexColumns + ` FROM doc_index WHERE seq = ` + asInt
	sqlRekeyIndex = `UPDATE doc_index SET keys = ?, checksum = ? WHERE seq = ?`
	sqlRekey      = `UPDATE index_keys SET key = ? WHERE key = ? AND effective = ? AND seq = ?`
)

// The places of columns in indexColumns that rekey needs.
const (
	columnGroup     = 0
	columnGeneral   = 1
	columnSpecific  = 2
	columnTasks     = 4
	columnUnit      = 9
	columnEffective = 13
	columnKeys      = 23
)

// rekey makes a document be found under its new controller: the index keys that
// many documents share are kept apart by controller (keyer.others).
func (t *tx) rekey(seq int64, from, to string) error {
	vs, dest := make([]any, columnKeys+2), make([]any, columnKeys+2)
	for i := range vs {
		dest[i] = &vs[i]
	}
	if err := t.row(sqlIndexRow, []any{seq}, dest...); err != nil {
		return err
	}
	text := func(column int) string { s, _ := vs[column].(string); return s }
	x := Index{Group: text(columnGroup), GeneralType: text(columnGeneral), SpecificType: text(columnSpecific), Unit: text(columnUnit)}
	changed := t.w.s.keys.changes(&x, strings.Fields(text(columnTasks)), from, to)
	old, _ := vs[columnKeys].([]byte)
	keys := slices.Clone(old)
	for k := range slices.Chunk(keys, keySize) {
		with, ok := changed[key(k)]
		if !ok {
			continue
		}
		if err := t.exec(sqlRekey, with[:], slices.Clone(k), vs[columnEffective], seq); err != nil {
			return err
		}
		copy(k, with[:])
	}
	vs[columnKeys] = keys
	return t.exec(sqlRekeyIndex, keys, columnsRecord(vs).checksum(), seq)
}

// changes gives for each key of a document that names its controller the key that
// names another.
func (k *keyer) changes(x *Index, tasks []string, from, to string) map[key]key {
	before, after := k.others(x, tasks, from), k.others(x, tasks, to)
	out := make(map[key]key)
	for i := range before {
		if before[i] != after[i] {
			out[before[i]] = after[i]
		}
	}
	return out
}

const sqlTransfer = `SELECT transfers.seq, transfers.kind, transfers.from_controller, transfers.from_register, transfers.to_controller, transfers.to_register, transfers.at, transfers.series, transfers.digest,
	transfers.selection, transfers.payload,
	coalesce((SELECT step FROM transfer_steps x WHERE x.transfer = transfers.seq AND step <> 'part' ORDER BY x.seq DESC LIMIT 1), 'planned'),
	coalesce((SELECT at FROM transfer_steps x WHERE x.transfer = transfers.seq ORDER BY x.seq DESC LIMIT 1), transfers.at),
	coalesce((SELECT sum(series) FROM transfer_steps x WHERE x.transfer = transfers.seq AND step = 'part'), 0) FROM transfers`

func (s *Store) scanTransfer(scan func(...any) error) (x Transfer, digest []byte, err error) {
	var at, changed int64
	var selection, payload []byte
	err = scan(&x.ID, &x.Kind, &x.FromController, &x.FromRegister, &x.ToController, &x.ToRegister, &at, &x.Count, &digest,
		&selection, &payload, &x.State, &changed, &x.Moved)
	if err != nil {
		return x, nil, err
	}
	x.PlannedAt, x.Changed = fromMicros(at), fromMicros(changed)
	plain, err := s.openNote(inTransfers, x.ID, payload)
	if err != nil {
		return x, nil, err
	}
	return x, digest, x.unpack(selection, plain)
}

func (x *Transfer) unpack(selection, plain []byte) error {
	list, err := unpack(selection)
	if err != nil {
		return err
	}
	x.Series = strings.Fields(string(list))
	var w why
	err = json.Unmarshal(plain, &w)
	x.By, x.Reason, x.Ground = w.By, w.Reason, w.Ground
	return err
}

func (s *Store) transfer(ctx context.Context, id int64) (x Transfer, digest []byte, err error) {
	err = s.reading("transfer", func(db *sql.DB) error {
		x, digest, err = s.scanTransfer(db.QueryRowContext(ctx, sqlTransfer+` WHERE transfers.seq = `+asInt, id).Scan)
		return err
	})
	return x, digest, err
}

// Transfers gives the transfers from or to the controllers of a scope, newest first.
func (s *Store) Transfers(ctx context.Context, sc Scope) (out []Transfer, err error) {
	if err := sc.check("transfers"); err != nil {
		return nil, err
	}
	from, args := sc.where("transfers.from_controller")
	to, more := sc.where("transfers.to_controller")
	err = s.reading("transfers", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sqlTransfer+` WHERE `+from+` OR `+to+` ORDER BY transfers.seq DESC`, append(args, more...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			x, _, err := s.scanTransfer(rows.Scan)
			if err != nil {
				return err
			}
			out = append(out, x)
		}
		return rows.Err()
	})
	return out, err
}

// SeriesTransfer is one change of a series' controller or register.
type SeriesTransfer struct {
	Transfer                     int64
	Kind                         TransferKind
	FromController, FromRegister string
	ToController, ToRegister     string
	// At is when it took effect, Newest the newest document then.
	At     time.Time
	Newest string
}

const sqlSeriesTransfers = `SELECT t.seq, t.kind, m.from_controller, m.from_register, m.to_controller, m.to_register, x.at, d.id
	FROM transferred m JOIN transfer_steps x ON x.seq = m.step JOIN transfers t ON t.seq = x.transfer JOIN documents d ON d.seq = m.newest
	JOIN series s ON s.set_id = m.set_id WHERE m.set_id = ` + asText + ` AND `

// SeriesTransfers gives the history of a series' controllers, oldest first: none
// where it is with the one it came to. A scope sees it by the present controller.
func (s *Store) SeriesTransfers(ctx context.Context, sc Scope, setID string) (out []SeriesTransfer, err error) {
	if err := sc.check("transfers"); err != nil {
		return nil, err
	}
	in, args := sc.where("s.controller")
	err = s.reading("transfers", func(db *sql.DB) error {
		rows, err := db.QueryContext(ctx, sqlSeriesTransfers+in+` ORDER BY m.step`, append([]any{setID}, args...)...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m SeriesTransfer
			var at int64
			if err := rows.Scan(&m.Transfer, &m.Kind, &m.FromController, &m.FromRegister, &m.ToController, &m.ToRegister, &at, &m.Newest); err != nil {
				return err
			}
			m.At = fromMicros(at)
			out = append(out, m)
		}
		return rows.Err()
	})
	return out, err
}
