package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"portti/internal/finding"
)

// series is the state of a version series.
type series struct {
	setID                string
	controller, register string
	newest               int64
	newestID             string
	version              int64
	nullified            bool
	group                string
	clients              []byte
	size                 int64
	disposed             bool // the content of its newest version is gone
}

// LEFT JOIN: a damaged index must not make a series disappear.
const sqlSeries = `SELECT s.controller, s.register, s.newest, d.id, s.version, s.nullified IS NOT NULL,
	coalesce(i.doc_group, ''), coalesce(substr(i.keys, 1, 16 * i.clients), x''), d.size,
	EXISTS (SELECT 1 FROM disposals x WHERE x.document = s.newest)
	FROM series s JOIN documents d ON d.seq = s.newest LEFT JOIN doc_index i ON i.seq = s.newest WHERE s.set_id = ` + asText

func (t *tx) series(setID string) (*series, error) {
	s := series{setID: setID}
	ok, err := t.found(sqlSeries, []any{setID}, &s.controller, &s.register, &s.newest, &s.newestID, &s.version,
		&s.nullified, &s.group, &s.clients, &s.size, &s.disposed)
	if !ok {
		return nil, err
	}
	if s.group == "" && !s.disposed {
		return nil, &Error{Kind: ErrInternal, Op: "archive", Err: fmt.Errorf("series %s has no index row", setID),
			Hint: "rebuild the index, then send again"}
	}
	return &s, nil
}

// judgeVersion applies the version rules of kanta-interface 10.3 to a new id. It
// gives the series that a later version continues.
func (t *tx) judgeVersion(p *prepared) (fs []finding.Finding, suspicious bool, prev *series, err error) {
	if p.Version == 1 {
		return firstVersion(p), false, nil, nil
	}
	if p.Version < 1 {
		return one(RuleVersionNumber, strconv.Itoa(p.Version), finding.P("expected", "1")), false, nil, nil
	}
	if p.Replaces == "" {
		fs = one(RuleParentMissing, "")
	}
	s, err := t.series(p.SetID)
	if err != nil {
		return nil, false, nil, err
	}
	if s == nil || s.controller != p.Controller {
		// A series of another controller is told of like one that does not exist.
		return append(fs, one(RuleSetUnknown, p.SetID)...), s != nil, nil, nil
	}
	same, err := t.sameClients(p.Controller, p.index.keys[:p.index.clients*keySize], s.clients)
	if err != nil {
		return nil, false, nil, err
	}
	return append(fs, laterVersion(p, s, same)...), false, s, nil
}

func firstVersion(p *prepared) (fs []finding.Finding) {
	if p.SetID != p.ID {
		fs = append(fs, one(RuleSetFirst, p.SetID)...)
	}
	if p.Replaces != "" {
		fs = append(fs, one(RuleParentFirst, p.Replaces)...)
	}
	if p.Nullifies && p.Replaces == "" {
		fs = append(fs, one(RuleParentMissing, "")...)
	}
	return fs
}

func laterVersion(p *prepared, s *series, sameClients bool) (fs []finding.Finding) {
	if s.disposed {
		return one(RuleDisposed, p.SetID)
	}
	next := s.version + 1
	switch {
	case s.nullified:
		fs = one(RuleNullified, p.SetID)
	case p.Replaces != "" && p.Replaces != s.newestID:
		fs = one(RuleNotNewest, p.Replaces, number("newest", s.version))
	case int64(p.Version) != next:
		fs = one(RuleVersionNumber, strconv.Itoa(p.Version), number("expected", next))
	}
	if p.Index.Group != s.group {
		fs = append(fs, one(RuleGroupDiffers, p.Index.Group, finding.P("expected", s.group))...)
	}
	if !sameClients {
		fs = append(fs, one(RuleClientDiffers, "")...)
	}
	return fs
}

// sameClients also knows clients under other ids that documents have joined (DOC-10).
func (t *tx) sameClients(controller string, a, b []byte) (bool, error) {
	if sameClients(a, b) || len(a) == 0 || len(b) == 0 {
		return sameClients(a, b), nil
	}
	for i := 0; i < len(a); i += keySize {
		keys, err := linked(context.Background(), t.w.conn, Scope{Controllers: []string{controller}}, key(a[i:i+keySize]))
		if err != nil {
			return false, err
		}
		for _, k := range keys[1:] {
			if hasKey(b, k[:]) {
				return true, nil
			}
		}
	}
	return false, nil
}

// sameClients tells whether two versions are about the same clients. In a case of
// several clients some join and some leave between versions, so one in common is
// enough; a document of one client must keep it.
func sameClients(a, b []byte) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	for i := 0; i < len(a); i += keySize {
		for j := 0; j+keySize <= len(b); j += keySize {
			if bytes.Equal(a[i:i+keySize], b[j:j+keySize]) {
				return true
			}
		}
	}
	return false
}

const (
	sqlNewSeries = `INSERT INTO series (set_id, controller, register, newest, version) VALUES (?, ?, ?, ?, ?)`
	sqlAdvance   = `UPDATE series SET newest = ?, version = ?, register = ? WHERE set_id = ?`
)

// advance makes the document with number seq the newest of its series.
func (t *tx) advance(p *prepared, prev *series, seq int64) error {
	d := delta{controller: p.Controller, register: p.Register, group: p.Index.Group,
		documents: 1, current: 1, bytes: int64(len(p.Document))}
	t.deltas = append(t.deltas, d)
	if prev == nil {
		return t.exec(sqlNewSeries, p.SetID, p.Controller, p.Register, seq, int64(p.Version))
	}
	t.deltas = append(t.deltas, delta{controller: prev.controller, register: prev.register, group: prev.group, current: -1})
	if err := t.exec(sqlAdvance, seq, int64(p.Version), p.Register, p.SetID); err != nil || p.index.state == nil {
		return err
	}
	return t.changedSeries(p.SetID, t.seq.leaf-1) // whoever the versions before told of
}

// indexColumns are those of doc_index between seq and checksum.
const indexColumns = `doc_group, general_type, specific_type, phase, tasks, process, service, case_id, relationship, unit,
	organiser, provider, implementer, effective, created, language, format, structured_format, content_spec,
	retention_class, software, special, clients, keys, summary`

const (
	sqlIndex = `INSERT INTO doc_index (` + indexColumns + `, checksum, seq)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqlKeys = `INSERT INTO index_keys (key, effective, seq) VALUES `
	// A key may be there already where damage took the doc_index row alone.
	sqlKeysEnd = ` ON CONFLICT DO NOTHING`
)

// keysAtOnce is how many keys one statement inserts at most.
const keysAtOnce = 16

// index writes the index rows of a document.
func (t *tx) index(seq int64, r *indexRow) error {
	row := r.columns()
	if err := t.exec(sqlIndex, append(row, columnsRecord(row).checksum(), seq)...); err != nil {
		return err
	}
	for keys := range slices.Chunk(r.keys, keysAtOnce*keySize) {
		if err := t.indexKeys(keys, micros(r.effective), seq); err != nil {
			return err
		}
	}
	return t.keepState(seq, r.state)
}

func (t *tx) indexKeys(keys []byte, effective, seq int64) error {
	n := len(keys) / keySize
	args := make([]any, 0, 3*n)
	for k := range slices.Chunk(keys, keySize) {
		args = append(args, k, effective, seq)
	}
	return t.exec(sqlKeys+strings.Repeat("(?, ?, ?), ", n-1)+"(?, ?, ?)"+sqlKeysEnd, args...)
}

// blob keeps an empty slice from being stored as NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
