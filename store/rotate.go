package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Rotation tells what RotateKeys did.
type Rotation struct {
	// Retired is how many data keys seal nothing new from now on.
	Retired int
	// Rewrapped tells that the data keys stand under a new master key.
	Rewrapped bool
}

const (
	sqlRetireKeys = `UPDATE data_keys SET retired = ? WHERE retired IS NULL`
	// Copies follow: a copy that is amiss comes to agree with its row.
	sqlRetireCopies = `UPDATE data_key_copies SET retired = (SELECT retired FROM data_keys k WHERE k.id = data_key_copies.id)`
	sqlListKeys     = `SELECT id, controller, purpose, wrapped FROM data_keys WHERE id > ? ORDER BY id LIMIT 1`
	sqlRewrap       = `UPDATE data_keys SET wrapped = ? WHERE id = ?`
	sqlRewrapCopy   = `INSERT INTO data_key_copies (id, controller, purpose, wrapped) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET controller = excluded.controller, purpose = excluded.purpose, wrapped = excluded.wrapped`
)

// RotateKeys takes new data keys into use for every payload from now on, and, where
// next is given, puts all data keys and the index key under that master key. The old
// data keys are kept: what they sealed stays as it is. It works while the archive
// serves; each step can be broken off, after which the archive opens with the old
// master key or with the new.
//
// The secret in index.key is put under the new master key and is never itself
// replaced. It keys the columns by which log rows are found, and those rows cannot be
// changed (LOG-3); and the checkpoint key is made of it, with which every checkpoint,
// proof and line of the replay list that was ever handed out is checked, also by those
// who keep the public key outside. A new one would leave the old rows unfindable and
// the old proofs without their key. Where it is feared known, its reach is this: who
// also has the database can test guesses of identity codes against index columns, and
// sign checkpoints; payloads stay closed. Checkpoints that were time-stamped or kept
// outside still show any rewriting of what came before.
//
// Errors: ErrInput where the archive is not encrypted, ErrKey for a bad master key.
func (s *Store) RotateKeys(ctx context.Context, next KeySource) (Rotation, error) {
	if s.vault == nil {
		return Rotation{}, input("rotate keys", "the archive is not encrypted")
	}
	s.rotating.Lock()
	defer s.rotating.Unlock()
	old := s.vault.master
	master := old
	if next != nil {
		secret, err := next(ctx)
		if err != nil {
			return Rotation{}, fail("rotate keys", err)
		}
		if master, err = newMasterKey(secret); err != nil {
			return Rotation{}, fail("rotate keys", err)
		}
		if err := s.keys.write(s.opt.Dir, s.opt.Random, old, master); err != nil {
			return Rotation{}, fail("rotate keys", err)
		}
	}
	r := Rotation{Rewrapped: master.mark != old.mark}
	err := s.do(ctx, "rotate keys", 0, func(t *tx) error {
		n, err := t.execCount(sqlRetireKeys, micros(s.now()))
		if r.Retired = int(n); err != nil {
			return err
		}
		if r.Rewrapped {
			if err := t.rewrap(old, master); err != nil {
				return err
			}
		}
		return t.exec(sqlRetireCopies)
	})
	if err != nil {
		return Rotation{}, err
	}
	s.vault.mu.Lock()
	s.vault.master = master
	clear(s.vault.current)
	s.vault.mu.Unlock()
	if r.Rewrapped {
		err = s.keys.write(s.opt.Dir, s.opt.Random, master)
	}
	return r, fail("rotate keys", err)
}

// rewrap puts every data key and its copy under another master key. A key that
// cannot be read stops it: under the old one its copy may still be good.
func (t *tx) rewrap(old, master *masterKey) error {
	s := t.w.s
	for id := int64(0); ; {
		var n keyName
		var wrapped []byte
		there, err := t.found(sqlListKeys, []any{id}, &id, &n.controller, &n.purpose, &wrapped)
		if err != nil || !there {
			return err
		}
		secret, err := old.unwrap(n.wrapName(id), wrapped)
		if err != nil {
			return &Error{Kind: ErrDamaged, Op: "rotate keys", Err: errors.Join(fmt.Errorf("data key %d", id), err), Hint: hints[ErrDamaged]}
		}
		if wrapped, err = master.wrap(n.wrapName(id), secret, s.opt.Random); err != nil {
			return err
		}
		if err := t.exec(sqlRewrap, wrapped, id); err != nil {
			return err
		}
		if wrapped, err = master.wrap(n.wrapName(id), secret, s.opt.Random); err != nil {
			return err
		}
		if err := t.exec(sqlRewrapCopy, id, n.controller, n.purpose, wrapped); err != nil {
			return err
		}
	}
}

// MasterOpens tells whether a master key is that of the archive in a directory, which
// another process may be at work on. Errors: ErrKey where it is another.
func MasterOpens(ctx context.Context, dir string, source KeySource) (err error) {
	secret, err := source(ctx)
	if err != nil {
		return err
	}
	master, err := newMasterKey(secret)
	if err != nil {
		return err
	}
	if _, err := openKey(dir, nil, false, master); err != nil {
		return err
	}
	s := &Store{opt: Options{Dir: dir}.withDefaults()}
	db, err := s.openDB("query_only", 1)
	if err != nil {
		return fail("master key", err)
	}
	defer func() { err = errors.Join(err, fail("master key", db.Close())) }()
	var there bool
	if err := db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'data_keys')`).Scan(&there); err != nil || !there {
		return fail("master key", err)
	}
	return fail("master key", opensKeys(ctx, db, master, dir))
}

// opensKeys refuses a master key under which some data keys are not.
func opensKeys(ctx context.Context, db *sql.DB, master *masterKey, dir string) error {
	foreign := 0
	err := eachKey(ctx, db, func(r keyRow) {
		if _, _, row, copied := r.secret(master); errors.Is(row, errOtherMaster) && errors.Is(copied, errOtherMaster) {
			foreign++
		}
	})
	if err == nil && foreign > 0 {
		err = masterError(dir, errOtherMaster)
	}
	return err
}

// ReplaceKeyFile puts a new master key's file in place of another, durably; that one is
// kept as old. A replacement that was broken off is ended by doing it again.
func ReplaceKeyFile(file, next, old string) error {
	if err := disk.Rename(file, old); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errors.Join(disk.Rename(next, file), disk.SyncDir(filepath.Dir(file)))
}
