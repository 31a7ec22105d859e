package migrate

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"portti/cda/frame"

	_ "github.com/mattn/go-sqlite3" // the journal's database
)

//go:embed journal.sql
var journalSchema string

// Journal is the state of a migration, in one directory.
type Journal struct {
	Dir  string
	db   *sql.DB // one connection: writes
	read *sql.DB
	lock *os.File
	tx   *sql.Tx
	born time.Time // of tx
}

// ErrJournal is a journal that cannot be used.
var ErrJournal = errors.New("the journal cannot be used")

// commitEvery bounds what a kill can undo.
const commitEvery = 400 * time.Millisecond

// OpenJournal opens the journal of a directory, which is made where it is missing.
// One process at a time holds it.
func OpenJournal(dir string) (_ *Journal, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	j := &Journal{Dir: dir}
	defer func() {
		if err != nil {
			j.Close()
		}
	}()
	if j.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(j.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("%w: another run works in %s", ErrJournal, dir)
	}
	name := filepath.Join(dir, "journal.db")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	const options = "?_journal_mode=WAL&_synchronous=NORMAL&_busy_timeout=10000&_cache_size=-8000&_stmt_cache_size=32"
	if j.db, err = sql.Open("sqlite3", "file:"+name+options+"&_txlock=immediate"); err != nil {
		return nil, err
	}
	j.db.SetMaxOpenConns(1)
	if j.read, err = sql.Open("sqlite3", "file:"+name+options+"&_query_only=true"); err != nil {
		return nil, err
	}
	j.read.SetMaxOpenConns(4)
	if _, err := j.db.Exec(journalSchema); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrJournal, name, err)
	}
	return j, nil
}

// Close commits and closes.
func (j *Journal) Close() error {
	err := j.commit()
	for _, db := range []*sql.DB{j.read, j.db} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return errors.Join(err, j.lock.Close())
}

// exec writes within the open transaction; one is begun where there is none.
func (j *Journal) exec(query string, args ...any) (sql.Result, error) {
	if err := j.begin(); err != nil {
		return nil, err
	}
	return j.tx.Exec(query, args...)
}

func (j *Journal) begin() (err error) {
	if j.tx == nil {
		j.tx, err = j.db.Begin()
		j.born = time.Now()
	}
	return err
}

// row reads one row, also what the open transaction has written.
func (j *Journal) row(query string, args ...any) (*sql.Row, error) {
	if err := j.begin(); err != nil {
		return nil, err
	}
	return j.tx.QueryRow(query, args...), nil
}

// tick commits where the transaction is old enough.
func (j *Journal) tick() error {
	if j.tx == nil || time.Since(j.born) < commitEvery {
		return nil
	}
	return j.commit()
}

func (j *Journal) commit() error {
	if j.tx == nil {
		return nil
	}
	tx := j.tx
	j.tx = nil
	return tx.Commit()
}

// meta reads a setting, "" where there is none.
func (j *Journal) meta(name string) (v string, err error) {
	r, err := j.row(`SELECT value FROM meta WHERE key=?`, name)
	if err != nil {
		return "", err
	}
	if err = r.Scan(&v); errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return v, err
}

func (j *Journal) setMeta(name, value string) error {
	_, err := j.exec(`INSERT INTO meta VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value=excluded.value`, name, value)
	return err
}

// Remember keeps a note of another step, Recall gives it back, "" where there is none.
func (j *Journal) Remember(name, value string) error {
	return errors.Join(j.setMeta("note."+name, value), j.commit())
}

// Recall gives what Remember kept.
func (j *Journal) Recall(name string) (string, error) {
	v, err := j.meta("note." + name)
	return v, errors.Join(err, j.commit())
}

// setSending keeps how documents are to be sent, so that push needs no mapping.
func (j *Journal) setSending(s Sending) error {
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return j.setMeta("sending", string(b))
}

// Sending gives how the documents of the journal are to be sent.
func (j *Journal) Sending() (s Sending, err error) {
	v, err := j.meta("sending")
	if err != nil {
		return s, err
	}
	if v == "" {
		return s, fmt.Errorf("%w: nothing has been built in %s", ErrJournal, j.Dir)
	}
	return s, json.Unmarshal([]byte(v), &s)
}

// alias notes the identity code of a client number.
func (j *Journal) alias(number, key string) error {
	_, err := j.exec(`INSERT INTO aliases VALUES(?,?) ON CONFLICT(number) DO UPDATE SET key=CASE WHEN key=excluded.key THEN key ELSE '' END`, number, key)
	return err
}

// identify completes a client by the journal: an identity code that another row
// has, a temporary identifier given before or given now (DOC-10).
func (j *Journal) identify(p *person, m *Mapping, controller Organisation, year int) error {
	if p.number != "" && p.root == "" {
		if done, err := j.byNumber(p); done || err != nil {
			return err
		}
	}
	if p.root != "" {
		return j.keep(p)
	}
	r, err := j.row(`SELECT root, id, born FROM persons WHERE key=?`, controller.OID+"|"+p.key)
	if err != nil {
		return err
	}
	p.key = controller.OID + "|" + p.key
	born := p.born
	switch err := r.Scan(&p.root, &p.id, &p.born); {
	case err == nil:
		return nil
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	p.born = born
	if p.born == "" {
		return refuse(ReasonBorn, "")
	}
	return j.temporary(p, controller, year)
}

// byNumber looks for the identity code of a client number.
func (j *Journal) byNumber(p *person) (done bool, err error) {
	r, err := j.row(`SELECT key FROM aliases WHERE number=?`, p.number)
	if err != nil {
		return false, err
	}
	var known string
	switch err := r.Scan(&known); {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, err
	case known == "":
		return false, refuse(ReasonClient, "the client number has two identity codes")
	}
	h, _ := hetuOf(known)
	p.known(h)
	return true, j.keep(p)
}

// keep notes a client at first sight: relationships and cases are made of it.
func (j *Journal) keep(p *person) error {
	_, err := j.exec(`INSERT OR IGNORE INTO persons VALUES(?,?,?,?,?,?,?,?,?)`, p.key, p.root, p.id, p.family, p.given, p.call, p.born, p.gender, p.protected)
	return err
}

// person reads a client.
func (j *Journal) person(key string) (p person, err error) {
	r, err := j.row(`SELECT key, root, id, family, given, call, born, gender, protected FROM persons WHERE key=?`, key)
	if err != nil {
		return p, err
	}
	return p, r.Scan(&p.key, &p.root, &p.id, &p.family, &p.given, &p.call, &p.born, &p.gender, &p.protected)
}

// tell notes what became of a row.
func (j *Journal) tell(row int64, oldID, state string, r *Refusal, document int64) error {
	reason, detail, findings := "", "", []byte("[]")
	if r != nil {
		var err error
		reason, detail = r.Reason, r.Detail
		if len(r.Findings) > 0 {
			if findings, err = json.Marshal(r.Findings); err != nil {
				return err
			}
		}
	}
	_, err := j.exec(`INSERT OR REPLACE INTO rows VALUES(?,?,?,?,?,?,?)`, row, state, reason, detail, string(findings), document, oldID)
	return err
}

// load reads a document with what goes along.
func (j *Journal) load(ctx context.Context, seq int64, oid string) (doc []byte, more []frame.Attachment, err error) {
	if err = j.read.QueryRowContext(ctx, `SELECT bytes FROM bodies WHERE seq=?`, seq).Scan(&doc); err != nil {
		return nil, nil, err
	}
	if doc, err = unpack(doc); err != nil {
		return nil, nil, fmt.Errorf("%w: document %s: %w", ErrJournal, oid, err)
	}
	err = j.query(ctx, func(r *sql.Rows) error {
		var a frame.Attachment
		var n int
		if err := r.Scan(&n, &a.MediaType, &a.Bytes); err != nil {
			return err
		}
		a.ContentID = oid + "." + strconv.Itoa(n)
		more = append(more, a)
		return nil
	}, `SELECT n, media_type, bytes FROM originals WHERE seq=? ORDER BY n`, seq)
	return doc, more, err
}

// query reads many rows from what is committed.
func (j *Journal) query(ctx context.Context, each func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := j.read.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Peek tells how many rows a build has done, beside the run that holds the journal.
func Peek(dir string) (n int, err error) {
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "journal.db")+"?mode=ro&_busy_timeout=1000")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return n, db.QueryRow(`SELECT count(*) FROM rows`).Scan(&n)
}
