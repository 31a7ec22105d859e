package store

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"database/sql"
	"embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"

	sqlite3 "github.com/mattn/go-sqlite3"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

var embedded = must(fs.Sub(migrationFiles, "migrations"))

// applicationID marks our SQLite files in their header ("prti").
const applicationID = 0x70727469

// Names in the table settings.
const (
	setArchive    = "archive_id"
	setCreated    = "created"
	setEncryption = "encryption"
	setKeyCheck   = "index_key_check"
	setChecksum   = "checksum" // CRC-32C over all others, in hex
)

// openDB opens a pool on the archive's file. Mode "query_only" is for readers.
//
// synchronous=FULL because an acknowledgement promises durability; secure_delete
// because disposal must leave nothing behind in free pages; automatic checkpoints
// are off because the writer makes them itself, after the answers have left, and
// wants to see their errors.
func (s *Store) openDB(mode string, conns int) (*sql.DB, error) {
	q := url.Values{
		"_journal_mode":       {"WAL"},
		"_synchronous":        {s.opt.synchronous},
		"_foreign_keys":       {"1"},
		"_secure_delete":      {"1"},
		"_recursive_triggers": {"1"},
		"_busy_timeout":       {"5000"},
		"_stmt_cache_size":    {"64"},
		"_cache_size":         {"-8192"},
	}
	switch mode {
	case "query_only":
		q.Set("_query_only", "1")
		q.Del("_journal_mode")
	case "write":
		q.Set("_cache_size", "-65536")
	}
	if s.opt.vfs != "" {
		q.Set("vfs", s.opt.vfs)
	}
	dsn := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.path(dbFile)}).EscapedPath(), RawQuery: q.Encode()}).String()
	db, err := sql.Open(s.opt.driver, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// prepareFile brings the file to the present schema and tells whether the archive
// has yet to be initialised. The copy before a migration is made while no
// connection is open: closing any descriptor of a file drops this process's locks
// on it.
func (s *Store) prepareFile(ctx context.Context) (fresh bool, err error) {
	if err := s.checkWritable(); err != nil {
		return false, err
	}
	if err := s.createPrivate(); err != nil {
		return false, err
	}
	if err := s.takeUpWAL(); err != nil {
		return false, err
	}
	have, know, err := s.examine(ctx)
	if err != nil {
		return false, err
	}
	if 0 < have && have < know {
		if err := s.backup(have); err != nil {
			return false, err
		}
	}
	err = s.once(ctx, func(db *sql.DB) error {
		if have < know {
			if err := s.migrate(ctx, db); err != nil {
				return err
			}
		}
		var n int
		err := db.QueryRowContext(ctx, `SELECT count(*) FROM settings WHERE name = ?`, setArchive).Scan(&n)
		fresh = n == 0
		return err
	})
	return fresh, err
}

// takeUpWAL renews the WAL of a process that died: it may have left in the page cache
// what a failed fsync lost. Where another program has the file open it cannot.
func (s *Store) takeUpWAL() error {
	path := s.path(dbFile)
	alone, err := s.raw.exclude(path)
	if err != nil || !alone {
		return err
	}
	return errors.Join(s.renewWAL(), s.raw.release(path))
}

// createPrivate makes a missing database file readable for its owner alone; SQLite
// gives the files beside it the same mode.
func (s *Store) createPrivate() error {
	f, err := os.OpenFile(s.path(dbFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// once runs f with a connection of its own.
func (s *Store) once(ctx context.Context, f func(*sql.DB) error) error {
	db, err := s.openDB("migrate", 1)
	if err != nil {
		return err
	}
	return errors.Join(f(db), db.Close())
}

// examine tells the schema's version and the one that this release knows. It
// refuses a foreign file and a newer schema, and empties the WAL, so that the file
// is whole.
func (s *Store) examine(ctx context.Context) (have, know int64, err error) {
	err = s.once(ctx, func(db *sql.DB) error {
		if err := s.checkIdentity(ctx, db); err != nil {
			return err
		}
		p, err := s.provider(db)
		if err != nil {
			return err
		}
		if have, know, err = p.GetVersions(ctx); err != nil {
			return err
		}
		if have > know {
			return &Error{Kind: ErrNewer, Op: "open", Path: s.path(dbFile),
				Err:  fmt.Errorf("its schema is %d, this release knows %d", have, know),
				Hint: "use the release that wrote it, or a later one"}
		}
		return s.emptyWAL(ctx, db)
	})
	return have, know, err
}

func (s *Store) emptyWAL(ctx context.Context, db *sql.DB) error {
	var busy, log, done int
	err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &done)
	if err == nil && busy != 0 {
		return &Error{Kind: ErrLocked, Op: "open", Path: s.path(dbFile), Hint: hints[ErrLocked]}
	}
	return err
}

// checkWritable tells a read-only file or directory before SQLite does so late
// and dimly.
func (s *Store) checkWritable() error {
	for _, name := range []string{dbFile, dbFile + "-wal"} {
		f, err := os.OpenFile(s.path(name), os.O_RDWR, 0)
		switch {
		case errors.Is(err, os.ErrNotExist):
		case err != nil:
			return &Error{Kind: kindOf(err), Op: "open", Path: s.path(name), Err: err, Hint: hints[kindOf(err)]}
		default:
			if err := f.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkIdentity refuses a file that some other program made. An empty file is ours
// to fill: a crash may have left it.
func (s *Store) checkIdentity(ctx context.Context, db *sql.DB) error {
	var id, tables int64
	err := db.QueryRowContext(ctx, `SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)`).Scan(&id, &tables)
	switch {
	case err != nil:
		return s.foreign(err)
	case id == applicationID:
		return nil
	case id != 0 || tables > 0:
		return s.foreign(nil)
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf(`PRAGMA application_id = %d`, applicationID))
	return err
}

// foreign says that the file is no archive, where that is what err means.
func (s *Store) foreign(err error) error {
	var se sqlite3.Error
	if errors.As(err, &se) && se.Code != sqlite3.ErrNotADB {
		return err
	}
	return &Error{Kind: ErrForeign, Op: "open", Path: s.path(dbFile), Err: err,
		Hint: "name another data directory; this file was not made by portti"}
}

func (s *Store) provider(db *sql.DB) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, db, s.opt.migrations,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// migrate brings an older archive up to date, each step in a transaction.
func (s *Store) migrate(ctx context.Context, db *sql.DB) error {
	p, err := s.provider(db)
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// backup copies the file as it is before a migration, durably.
func (s *Store) backup(version int64) error {
	name := fmt.Sprintf("%s.v%d.%s.backup", dbFile, version, s.now().Format("20060102T150405Z"))
	return copyFile(s.path(name), s.path(dbFile))
}

// The values of the setting encryption.
const (
	encryptionNone = "none"
	encryptionGCM  = "aes-256-gcm"
)

// openMaster gives the master key, nil where the archive is not, or is not to be,
// encrypted.
func (s *Store) openMaster(ctx context.Context, fresh bool) (*masterKey, error) {
	how := encryptionNone
	if fresh && s.opt.Master != nil {
		how = encryptionGCM
	}
	if !fresh {
		err := s.once(ctx, func(db *sql.DB) error {
			return db.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = ?`, setEncryption).Scan(&how)
		})
		if err != nil {
			return nil, err
		}
	}
	switch {
	case how == encryptionNone:
		return nil, nil
	case how != encryptionGCM:
		return nil, &Error{Kind: ErrDamaged, Op: "open", Path: s.path(dbFile), Err: fmt.Errorf("unknown encryption %q", how)}
	case s.opt.Master == nil:
		return nil, masterError(s.path(dbFile), errors.New("the archive is encrypted"))
	}
	secret, err := s.opt.Master(ctx)
	if err != nil {
		return nil, err
	}
	return newMasterKey(secret)
}

// initialise writes the settings that an archive keeps for life, and the archive's
// own data key, by which a wrong master key is told from the right one.
func (s *Store) initialise(ctx context.Context, master *masterKey) error {
	return s.once(ctx, func(db *sql.DB) error { return s.writeSettings(ctx, db, master) })
}

func (s *Store) writeSettings(ctx context.Context, db *sql.DB, master *masterKey) error {
	check := s.keys.sum(domainCheck)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	insert := func(name string, value []byte) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO settings (name, value) VALUES (?, ?)`, name, value)
		return err
	}
	for name, value := range map[string][]byte{
		setArchive:    []byte(rand.Text()),
		setCreated:    binary.BigEndian.AppendUint64(nil, uint64(s.now().UnixMicro())),
		setEncryption: []byte(encryption(master)),
		setKeyCheck:   check[:],
	} {
		if err := insert(name, value); err != nil {
			return err
		}
	}
	sum, err := settingsChecksum(ctx, tx)
	if err != nil {
		return err
	}
	if err := insert(setChecksum, sum); err != nil {
		return err
	}
	if err := s.firstKey(ctx, tx, master); err != nil {
		return err
	}
	return tx.Commit()
}

func encryption(master *masterKey) string {
	if master == nil {
		return encryptionNone
	}
	return encryptionGCM
}

// firstKey makes the archive's own data key.
func (s *Store) firstKey(ctx context.Context, tx *sql.Tx, master *masterKey) error {
	if master == nil {
		return nil
	}
	n := keyName{"", sealMessages}
	secret := make([]byte, masterSize)
	if _, err := io.ReadFull(s.opt.Random, secret); err != nil {
		return err
	}
	for q, more := range map[string][]any{sqlKeepKey: {micros(s.now())}, sqlCopyKey: nil} {
		wrapped, err := master.wrap(n.wrapName(1), secret, s.opt.Random)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, q, append([]any{1, n.controller, n.purpose, wrapped}, more...)...); err != nil {
			return err
		}
	}
	return nil
}

// checkKey refuses an index key that is not this archive's: with it every search
// would find nothing and every new row could not be found later.
func (s *Store) checkKey(ctx context.Context, c *sql.Conn) error {
	var want []byte
	err := c.QueryRowContext(ctx, `SELECT value FROM settings WHERE name = ?`, setKeyCheck).Scan(&want)
	if err != nil {
		return err
	}
	have := s.keys.sum(domainCheck)
	if !hmac.Equal(want, have[:]) {
		return &Error{Kind: ErrKey, Op: "open", Path: s.path(keyFile),
			Err: errors.New("it is another archive's"), Hint: "put back the index.key that belongs to this archive"}
	}
	return nil
}
