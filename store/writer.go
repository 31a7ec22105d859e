package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// job is one unit of work for the writer: it stands or falls as a whole.
type job struct {
	op    string
	bytes int
	run   func(*tx) error
	// alone is run outside a transaction, instead of run.
	alone func(*writer) error
	// short goes before the others: somebody waits for an answer that has been found.
	short bool
	state atomic.Int32
	done  chan error
}

const (
	jobQueued int32 = iota
	jobTaken
	jobWithdrawn
)

// do hands work to the writer and waits until it is durable. A call whose context
// ends while it still queues is withdrawn; one that the writer has taken is waited
// for, so the caller is never left in doubt.
func (s *Store) do(ctx context.Context, op string, bytes int, run func(*tx) error) error {
	return s.submit(ctx, &job{op: op, bytes: bytes, run: run, done: make(chan error, 1)})
}

// doShort is do for work of few rows that an answer waits for: it does not stand behind
// the documents that are being archived.
func (s *Store) doShort(ctx context.Context, op string, bytes int, run func(*tx) error) error {
	return s.submit(ctx, &job{op: op, bytes: bytes, run: run, short: true, done: make(chan error, 1)})
}

// alone has the writer do something between two commits.
func (s *Store) alone(ctx context.Context, op string, f func(*writer) error) error {
	return s.submit(ctx, &job{op: op, alone: f, done: make(chan error, 1)})
}

func (s *Store) submit(ctx context.Context, j *job) error {
	op := j.op
	if err := s.enqueue(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.state.CompareAndSwap(jobQueued, jobWithdrawn) {
			return fail(op, ctx.Err())
		}
	case <-s.gone:
		if j.state.CompareAndSwap(jobQueued, jobWithdrawn) {
			return &Error{Kind: ErrClosed, Op: op}
		}
	}
	return <-j.done
}

func (s *Store) enqueue(ctx context.Context, j *job) error {
	select {
	case <-s.stop:
		return &Error{Kind: ErrClosed, Op: j.op}
	default:
	}
	if e := s.down.Load(); e != nil {
		return e
	}
	queue := s.queue
	if j.short {
		queue = s.short
	}
	select {
	case queue <- j:
		return nil
	default:
	}
	wait := time.NewTimer(s.opt.QueueWait)
	defer wait.Stop()
	select {
	case queue <- j:
		return nil
	case <-s.stop:
		return &Error{Kind: ErrClosed, Op: j.op}
	case <-ctx.Done():
		return fail(j.op, ctx.Err())
	case <-wait.C:
		return &Error{Kind: ErrBusy, Op: j.op, Hint: "send again later"}
	}
}

// writer owns the one connection that writes. All its methods run on its
// goroutine, save open before it starts and close after it has ended.
type writer struct {
	s     *Store
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	seq   sequences
	marks []mark
	// changes are the last ones of clients' state.
	changes changes
	// held waits for the end of a group: it is to run alone.
	held *job
	// dirty estimates the bytes written to the WAL since the last checkpoint.
	dirty int
}

// sequences are the next numbers of the tables that the writer numbers itself, so
// that a leaf can name a row and a row its leaf, and gaps mean loss.
type sequences struct {
	document, leaf, usage, disclosure, message, nullification, purge int64
	directory, transfer, step, flag                                  int64
}

// mark remembers a committed document for the re-check after an I/O error.
type mark struct {
	seq int64
	id  string
}

// keepMarks is how many of the last documents are re-checked.
const keepMarks = 64

// checkpointBytes is how much goes into the WAL before it is written back. Whoever
// comes meanwhile waits: some 9 ms for 3 MB, where 16 MB took 20 to 45.
const checkpointBytes = 3 << 20

// rowBytes is what a job is taken to write beside its payload: pages of indexes.
const rowBytes = 48 << 10

func (w *writer) open(ctx context.Context) error {
	db, err := w.s.openDB("write", 1)
	if err != nil {
		return err
	}
	w.db, w.stmts = db, make(map[string]*sql.Stmt)
	if w.conn, err = db.Conn(ctx); err != nil {
		return err
	}
	// A savepoint's undo pages stay in memory: they would go to a temporary file. A WAL
	// that a long read has made grow is cut back to 64 MB.
	for _, q := range []string{`PRAGMA wal_autocheckpoint = 0`, `PRAGMA temp_store = MEMORY`,
		`PRAGMA journal_size_limit = 67108864`} {
		if _, err := w.conn.ExecContext(ctx, q); err != nil {
			return err
		}
	}
	if err := w.s.checkKey(ctx, w.conn); err != nil {
		return err
	}
	// Whatever a failed fsync left in the page cache alone is written anew here,
	// before anything is answered on its strength.
	if err := w.truncateWAL(); err != nil {
		return err
	}
	if err := w.loadSequences(ctx); err != nil {
		return err
	}
	w.s.figures.opened(&w.seq)
	return w.recheck(ctx)
}

func (w *writer) close() error {
	var errs []error
	for _, st := range w.stmts {
		errs = append(errs, st.Close())
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	w.db, w.conn, w.stmts = nil, nil, nil
	return errors.Join(errs...)
}

func (w *writer) loadSequences(ctx context.Context) error {
	return w.conn.QueryRowContext(ctx, `SELECT
		(SELECT coalesce(max(seq), 0) + 1 FROM documents),
		(SELECT coalesce(max(seq), -1) + 1 FROM leaves),
		(SELECT coalesce(max(seq), 0) + 1 FROM usage_log),
		(SELECT coalesce(max(seq), 0) + 1 FROM disclosure_log),
		(SELECT coalesce(max(seq), 0) + 1 FROM message_log),
		(SELECT coalesce(max(seq), 0) + 1 FROM nullifications),
		(SELECT coalesce(max(seq), 0) + 1 FROM purges),
		(SELECT coalesce(max(seq), 0) + 1 FROM directory),
		(SELECT coalesce(max(seq), 0) + 1 FROM transfers),
		(SELECT coalesce(max(seq), 0) + 1 FROM transfer_steps),
		(SELECT coalesce(max(seq), 0) + 1 FROM flags)`).Scan(&w.seq.document, &w.seq.leaf, &w.seq.usage,
		&w.seq.disclosure, &w.seq.message, &w.seq.nullification, &w.seq.purge,
		&w.seq.directory, &w.seq.transfer, &w.seq.step, &w.seq.flag)
}

// recheck proves that the last acknowledged documents are there and intact, or disposed
// of: a disposal that was told as failed may have come to be.
func (w *writer) recheck(ctx context.Context) error {
	for _, m := range w.marks {
		var gone bool
		if err := w.conn.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM disposals x JOIN documents d ON d.seq = x.document
			WHERE d.seq = ? AND d.id = ?)`, m.seq, m.id).Scan(&gone); err != nil {
			return err
		}
		if gone {
			continue
		}
		var id string
		var sum, payload, salt []byte
		err := w.conn.QueryRowContext(ctx, `SELECT d.id, d.sha256, b.payload, t.salt FROM documents d
			JOIN bodies b ON b.seq = d.seq LEFT JOIN salts t ON t.leaf = d.leaf WHERE d.seq = ?`, m.seq).Scan(&id, &sum, &payload, &salt)
		if errors.Is(err, sql.ErrNoRows) || err == nil && id != m.id {
			return &Error{Kind: ErrDamaged, Op: "recheck", Path: w.s.path(dbFile),
				Err: fmt.Errorf("acknowledged document %s is missing", m.id), Hint: hints[ErrDamaged]}
		}
		if err != nil {
			return err
		}
		if _, err := w.s.verified(place{inBodies, m.id}, salt, payload, sum); err != nil {
			return &Error{Kind: ErrDamaged, Op: "recheck", Path: w.s.path(dbFile),
				Err: fmt.Errorf("document %s: %w", m.id, err), Hint: hints[ErrDamaged]}
		}
	}
	return nil
}

// run is the writer's goroutine.
func (w *writer) run() {
	defer close(w.s.gone)
	for {
		if j := w.s.take(); j != nil {
			w.handle(j)
			continue
		}
		select {
		case j := <-w.s.short:
			w.handle(j)
		case j := <-w.s.queue:
			w.handle(j)
		case <-w.s.stop:
			w.drain()
			return
		}
	}
}

// take gives the next job that is queued, nil where there is none.
func (s *Store) take() *job {
	select {
	case j := <-s.short:
		return j
	default:
	}
	select {
	case j := <-s.queue:
		return j
	default:
		return nil
	}
}

// drain serves what was queued before the store was closed.
func (w *writer) drain() {
	for j := w.s.take(); j != nil; j = w.s.take() {
		w.handle(j)
	}
}

// handle commits one group that begins with first, and writes the WAL back where it has
// grown.
func (w *writer) handle(first *job) {
	if e := w.s.down.Load(); e != nil {
		refuse(first, e)
		return
	}
	if first.alone != nil {
		w.alone(first)
		return
	}
	err := w.group(first)
	if j := w.held; j != nil {
		w.held = nil
		defer w.handle(j)
	}
	if err == nil && w.dirty >= w.s.opt.checkpoint {
		err = w.checkpoint()
	}
	w.upkeep(err)
}

// alone runs a job outside of a transaction. It may write the WAL back, whose failure is
// the archive's, whoever asked for it.
func (w *writer) alone(j *job) {
	if !j.state.CompareAndSwap(jobQueued, jobTaken) {
		return
	}
	err := j.alone(w)
	j.done <- fail(j.op, err)
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		w.upkeep(err)
	}
}

// upkeep brings the archive back after an error.
func (w *writer) upkeep(err error) {
	if err == nil {
		return
	}
	switch kindOf(err) {
	case ErrFull, ErrLocked, ErrReadOnly:
		// The transaction is rolled back; nothing is in doubt.
	default:
		w.recover(err)
	}
}

func refuse(j *job, err error) {
	if j.state.CompareAndSwap(jobQueued, jobTaken) {
		j.done <- err
	}
}

// group runs jobs in one transaction until the queue is empty or the group is
// full, commits, and only then tells the callers. It returns an error only when
// the whole group failed.
func (w *writer) group(first *job) error {
	g := group{w: w, tx: &tx{w: w, seq: w.seq}, opened: time.Now()}
	err := w.simple(`BEGIN IMMEDIATE`)
	for j := first; err == nil && j != nil; {
		if err = g.run(j); err == nil {
			j = g.next()
		}
	}
	if err == nil {
		err = g.tx.flush()
	}
	if err == nil {
		err = w.commit()
	}
	if err != nil {
		// The jobs are told, so a failing ROLLBACK adds nothing: the next BEGIN or the
		// reopening shows it.
		_ = w.simple(`ROLLBACK`)
		refuse(first, fail(first.op, err)) // where BEGIN failed, it was never taken
		w.s.figures.failed()
		g.tell(err)
		return err
	}
	if g.tx.seq.leaf != w.seq.leaf {
		w.s.tree.leavesCame()
	}
	w.seq = g.tx.seq
	w.s.figures.committed(g.jobs, time.Since(g.opened), &w.seq)
	w.remember(g.tx.marks, g.tx.unmark)
	w.dirty += g.bytes + rowBytes*g.jobs
	g.tell(nil)
	return nil
}

func (w *writer) commit() error {
	if w.s.opt.beforeCommit != nil {
		if err := w.s.opt.beforeCommit(); err != nil {
			return err
		}
	}
	return w.simple(`COMMIT`)
}

func (w *writer) remember(ms []mark, gone []int64) {
	w.marks = append(w.marks, ms...)
	w.marks = slices.DeleteFunc(w.marks, func(m mark) bool { return slices.Contains(gone, m.seq) })
	if n := len(w.marks) - keepMarks; n > 0 {
		w.marks = append(w.marks[:0], w.marks[n:]...)
	}
}

// shortGroup is how much longer a commit grows after a short job has come in.
const shortGroup = time.Millisecond

// group is a commit in the making.
type group struct {
	w      *writer
	tx     *tx
	opened time.Time
	// short is when the first short job came in: a commit is not held up for long then.
	short time.Time
	jobs  int
	bytes int
	ran   []ranJob
}

type ranJob struct {
	*job
	err error
}

// next gives the next job for this commit, nil to close it.
func (g *group) next() *job {
	lim := g.w.s.opt.Group
	if g.jobs >= lim.Documents || g.bytes >= lim.Bytes || time.Since(g.opened) >= lim.Time {
		return nil
	}
	if !g.short.IsZero() && time.Since(g.short) >= shortGroup {
		return nil
	}
	for j := g.w.s.take(); j != nil; j = g.w.s.take() {
		if j.alone != nil {
			g.w.held = j
			return nil
		}
		if j.state.Load() != jobWithdrawn {
			return j
		}
	}
	return nil
}

// run does one job inside its savepoint. A job's own failure undoes that job; an
// error of the database fails the group.
func (g *group) run(j *job) error {
	if !j.state.CompareAndSwap(jobQueued, jobTaken) {
		return nil
	}
	if j.short && g.short.IsZero() {
		g.short = time.Now()
	}
	g.jobs++
	g.bytes += j.bytes
	g.ran = append(g.ran, ranJob{job: j})
	if err := g.w.simple(`SAVEPOINT job`); err != nil {
		return err
	}
	before := *g.tx
	err := safely(j, g.tx)
	if err != nil {
		if groupFails(err) {
			return err
		}
		*g.tx = before
		g.ran[len(g.ran)-1].err = fail(j.op, err)
		if err := g.w.simple(`ROLLBACK TO job`); err != nil {
			return err
		}
	}
	return g.w.simple(`RELEASE job`)
}

// groupFails tells whether err may have undone or spoilt the whole transaction.
func groupFails(err error) bool {
	switch kindOf(err) {
	case ErrFull, ErrLocked, ErrReadOnly, ErrDamaged, ErrForeign, ErrUnavailable:
		return true
	}
	return false
}

// safely runs a job; a panic in it (in a caller's Answer, say) fails that job alone.
func safely(j *job, t *tx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			// The value itself is left out: it may hold content, and errors are logged.
			err = &Error{Kind: ErrInternal, Op: j.op, Err: fmt.Errorf("panic (%T)", r)}
		}
	}()
	return j.run(t)
}

// tell answers every job of the group.
func (g *group) tell(err error) {
	for _, r := range g.ran {
		switch {
		case err != nil:
			r.done <- fail(r.op, err)
		default:
			r.done <- r.err
		}
	}
}

// simple runs a statement without arguments or results.
func (w *writer) simple(q string) error {
	st, err := w.stmt(q)
	if err != nil {
		return err
	}
	_, err = st.Exec()
	return err
}

// stmt gives the prepared statement of q, prepared once for each connection.
func (w *writer) stmt(q string) (*sql.Stmt, error) {
	if st, ok := w.stmts[q]; ok {
		return st, nil
	}
	if w.conn == nil {
		return nil, &Error{Kind: ErrUnavailable, Op: "write"}
	}
	st, err := w.conn.PrepareContext(context.Background(), q)
	if err != nil {
		return nil, err
	}
	w.stmts[q] = st
	return st, nil
}
