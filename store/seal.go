package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha512"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Protection at rest. A sealed payload is
//
//	codecSealed, the data key's number as varint, salt (16 bytes), AES-256-GCM of a payload
//
// Key and nonce are the first 44 bytes of HMAC-SHA-512 under the data key over
// "portti payload 1", 0x00, the salt and, for the content of a document, the salt of
// its leaf: so every payload has a key of its own, and to delete the leaf's salt, as
// a disposal does, destroys it. The associated data is all before the ciphertext and
// the payload's place (table, column and row), so that a payload cannot be moved.
//
// Data keys are kept apart by controller and by what they seal; they stand in
// data_keys, wrapped by the master key, and once more in data_key_copies, since all
// that a key seals is lost with it.
const codecSealed byte = 4

// What data keys seal. The words stand in the database.
const (
	sealDocuments = "document"
	sealLogs      = "log"
	sealMessages  = "message" // under the archive's own key: controller ""
)

// place is where a payload stands: "table.column" and what the row is told by.
type place struct{ column, row string }

// The places of payloads.
const (
	inBodies      = "bodies.payload"
	inFrames      = "frames.payload"
	inReceipts    = "receipts.payload"
	inSummaries   = "doc_index.summary"
	inNoticeFrame = "notices.frame"
	inNotices     = "notices.receipt"
	inUsage       = "usage_log.payload"
	inDisclosure  = "disclosure_log.payload"
	inAcks        = "message_log.ack"
	inFindings    = "message_log.findings"
	inRaw         = "message_log.raw"
	inOrders      = "orders.payload"
	inDirectory   = "directory.actor"
	inTransfers   = "transfers.payload"
	inSteps       = "transfer_steps.actor"
	inFlags       = "flags.payload"
	inResults     = "results.payload"
	inEvents      = "events.payload"
	inHolds       = "holds.payload"
	inReleases    = "hold_releases.payload"
	inRuns        = "disposal_runs.payload"
	inDisposals   = "disposals.payload"
	inBundles     = "filed_bundles.payload"

	inCountersignatures = "countersignatures.payload"
)

// dataKey seals payloads. A nil key leaves them as they are.
type dataKey struct {
	id     int64
	secret []byte
}

func (k *dataKey) aead(salt, secret []byte) (cipher.AEAD, []byte, error) {
	m := hmac.New(sha512.New, k.secret)
	io.WriteString(m, "portti payload 1\x00")
	m.Write(salt)
	m.Write(secret)
	sum := m.Sum(nil)
	block, err := aes.NewCipher(sum[:32])
	if err != nil {
		return nil, nil, err
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, err
	}
	return a, sum[32 : 32+a.NonceSize()], nil
}

func associated(head []byte, at place) []byte {
	out := append([]byte(nil), head...)
	return append(append(append(out, at.column...), 0), at.row...)
}

// seal makes a sealed payload of a payload; with a nil key it gives it back.
func (s *Store) seal(k *dataKey, at place, secret, payload []byte) ([]byte, error) {
	if k == nil {
		return payload, nil
	}
	var salt [saltSize]byte
	if _, err := io.ReadFull(s.opt.Random, salt[:]); err != nil {
		return nil, err
	}
	a, nonce, err := k.aead(salt[:], secret)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 1, len(payload)+48)
	out[0] = codecSealed
	out = binary.AppendUvarint(out, uint64(k.id))
	out = append(out, salt[:]...)
	return a.Seal(out, nonce, payload, associated(out, at)), nil
}

var errSealed = errors.New("sealed payload is damaged or not of this place")

// unseal gives the payload within a sealed one. In an encrypted archive nothing else
// is taken, so that content cannot be put beside the seal.
func (s *Store) unseal(at place, secret, payload []byte) ([]byte, error) {
	if s.vault == nil {
		return payload, nil
	}
	if len(payload) == 0 {
		return nil, errors.New("empty payload")
	}
	if payload[0] != codecSealed {
		return nil, errors.New("payload is not sealed")
	}
	id, n := binary.Uvarint(payload[1:])
	head := 1 + n + saltSize
	if n <= 0 || len(payload) < head {
		return nil, errSealed
	}
	k := s.vault.byNumber(int64(id))
	if k == nil {
		return nil, fmt.Errorf("data key %d is missing", id)
	}
	a, nonce, err := k.aead(payload[1+n:head], secret)
	if err != nil {
		return nil, err
	}
	out, err := a.Open(nil, nonce, payload[head:], associated(payload[:head], at))
	if err != nil {
		return nil, errSealed
	}
	return out, nil
}

// plain gives the bytes of a payload that may be sealed.
func (s *Store) plain(at place, secret, payload []byte) ([]byte, error) {
	p, err := s.unseal(at, secret, payload)
	if err != nil {
		return nil, err
	}
	return unpack(p)
}

// keyName is what data keys are kept apart by.
type keyName struct{ controller, purpose string }

func (n keyName) wrapName(id int64) string {
	return fmt.Sprintf("data key %d %s %s", id, n.purpose, n.controller)
}

// vault holds the data keys of an encrypted archive.
type vault struct {
	mu      sync.RWMutex
	master  *masterKey
	keys    map[int64]*dataKey
	current map[keyName]*dataKey
}

func (v *vault) byNumber(id int64) *dataKey {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.keys[id]
}

// wrapper gives the master key in force.
func (v *vault) wrapper() *masterKey {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.master
}

func (v *vault) named(n keyName) *dataKey {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.current[n]
}

// Encrypted tells whether the archive's payloads are sealed.
func (s *Store) Encrypted() bool { return s.vault != nil }

// sealingKey gives the data key that seals now for a controller, and makes it at its
// first use, durably. It is nil where the archive is not encrypted.
func (s *Store) sealingKey(ctx context.Context, controller, purpose string) (*dataKey, error) {
	if s.vault == nil {
		return nil, nil
	}
	n := keyName{controller, purpose}
	if k := s.vault.named(n); k != nil {
		return k, nil
	}
	secret := make([]byte, masterSize)
	if _, err := io.ReadFull(s.opt.Random, secret); err != nil {
		return nil, fail("key", err)
	}
	var k *dataKey
	err := s.do(ctx, "key", 0, func(t *tx) (err error) {
		k, err = t.dataKey(n, secret)
		return err
	})
	if err != nil {
		return nil, err
	}
	v := s.vault
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys[k.id], v.current[n] = k, k
	return k, nil
}

const (
	sqlCurrentKey = `SELECT id, wrapped FROM data_keys WHERE controller = ? AND purpose = ? AND retired IS NULL ORDER BY id DESC LIMIT 1`
	sqlNextKey    = `SELECT coalesce(max(id), 0) + 1 FROM data_keys`
	sqlKeepKey    = `INSERT INTO data_keys (id, controller, purpose, wrapped) VALUES (?, ?, ?, ?)`
	sqlCopyKey    = `INSERT INTO data_key_copies (id, controller, purpose, wrapped) VALUES (?, ?, ?, ?)`
)

// dataKey gives the key of a name as it stands in the database, or puts it there:
// another call may have been quicker.
func (t *tx) dataKey(n keyName, secret []byte) (*dataKey, error) {
	s := t.w.s
	var id int64
	var wrapped []byte
	there, err := t.found(sqlCurrentKey, []any{n.controller, n.purpose}, &id, &wrapped)
	if err != nil {
		return nil, err
	}
	if there {
		if k := s.vault.byNumber(id); k != nil {
			return k, nil
		}
		have, err := s.vault.wrapper().unwrap(n.wrapName(id), wrapped)
		if err == nil {
			return &dataKey{id, have}, nil
		}
		// Damaged: a new one seals from now on.
	}
	if err := t.row(sqlNextKey, nil, &id); err != nil {
		return nil, err
	}
	return &dataKey{id, secret}, t.keepKey(id, n, secret)
}

func (t *tx) keepKey(id int64, n keyName, secret []byte) error {
	s := t.w.s
	for _, sql := range []string{sqlKeepKey, sqlCopyKey} {
		wrapped, err := s.vault.wrapper().wrap(n.wrapName(id), secret, s.opt.Random)
		if err != nil {
			return err
		}
		if err := t.exec(sql, id, n.controller, n.purpose, wrapped); err != nil {
			return err
		}
	}
	return nil
}

const sqlAllKeys = `SELECT k.id, k.controller, k.purpose, k.wrapped, k.retired IS NOT NULL, c.controller, c.purpose, c.wrapped, k.retired IS c.retired
	FROM data_keys k LEFT JOIN data_key_copies c ON c.id = k.id
	UNION ALL SELECT id, NULL, NULL, NULL, 1, controller, purpose, wrapped, 1 FROM data_key_copies
	WHERE id NOT IN (SELECT id FROM data_keys) ORDER BY 1`

// keyRow is a row of sqlAllKeys.
type keyRow struct {
	id                          int64
	controller, purpose         sql.NullString
	copyController, copyPurpose sql.NullString
	wrapped, copied             []byte
	retired                     bool
	retirementAgrees            bool // of row and copy
}

func eachKey(ctx context.Context, db *sql.DB, visit func(keyRow)) error {
	rows, err := db.QueryContext(ctx, sqlAllKeys)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r keyRow
		err := rows.Scan(&r.id, &r.controller, &r.purpose, &r.wrapped, &r.retired, &r.copyController, &r.copyPurpose, &r.copied, &r.retirementAgrees)
		if err != nil {
			return err
		}
		visit(r)
	}
	return rows.Err()
}

// secret gives the key from the row or else from its copy, and what is wrong with
// either.
func (r *keyRow) secret(m *masterKey) (secret []byte, name keyName, row, copied error) {
	name = keyName{r.controller.String, r.purpose.String}
	secret, row = m.unwrap(name.wrapName(r.id), r.wrapped)
	other := keyName{r.copyController.String, r.copyPurpose.String}
	second, copied := m.unwrap(other.wrapName(r.id), r.copied)
	if row != nil && copied == nil {
		secret, name = second, other
	}
	if row == nil && copied == nil && !hmac.Equal(secret, second) {
		copied = errors.New("it is another key")
	}
	return secret, name, row, copied
}

// loadVault unwraps the data keys. A key that is damaged twice is left out: what it
// seals is lost, all else can be read.
func (s *Store) loadVault(ctx context.Context, master *masterKey) error {
	v := &vault{master: master, keys: make(map[int64]*dataKey), current: make(map[keyName]*dataKey)}
	good, foreign := 0, 0
	err := s.once(ctx, func(db *sql.DB) error {
		return eachKey(ctx, db, func(r keyRow) {
			secret, name, row, copied := r.secret(master)
			if row != nil && copied != nil {
				if errors.Is(row, errOtherMaster) && errors.Is(copied, errOtherMaster) {
					foreign++
				}
				return
			}
			good++
			k := &dataKey{r.id, secret}
			v.keys[k.id] = k
			if !r.retired {
				v.current[name] = k
			}
		})
	})
	if err == nil && good == 0 && foreign > 0 {
		return masterError(s.path(dbFile), errOtherMaster)
	}
	s.vault = v
	return err
}

// dataKeys checks every data key and its copy.
func (c *checker) dataKeys(ctx context.Context) error {
	if c.s.vault == nil {
		return nil
	}
	return c.s.reading("check", func(db *sql.DB) error {
		return eachKey(ctx, db, func(r keyRow) {
			_, _, row, copied := r.secret(c.s.vault.wrapper())
			if row != nil {
				c.r.add("key", num(r.id), "data key: %v", row)
			}
			if copied != nil {
				c.r.add("key", num(r.id), "copy of data key: %v", copied)
			} else if !r.retirementAgrees {
				c.r.add("key", num(r.id), "data key and copy differ in when it was retired")
			}
		})
	})
}
