package store

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Options tell how to open an archive. Only Dir is needed.
type Options struct {
	// Dir is the data directory; it is made if missing.
	Dir string
	// Now is the archive's clock; default time.Now.
	Now func() time.Time
	// Random gives salts and keys; default crypto/rand. It must be safe for
	// concurrent use.
	Random io.Reader
	// Master gives the master key. With it a new archive is encrypted for life, and an
	// encrypted one needs it; an archive made without stays as it is.
	Master KeySource
	// Readers is the number of connections for reads; default 2 × processors, at least 4.
	Readers int
	// Queue is how many writes may wait; default 256.
	Queue int
	// QueueWait is how long a call waits for room in a full queue before ErrBusy;
	// default 2 s.
	QueueWait time.Duration
	// Group closes a commit; zero fields take the defaults 16 documents, 1 MB, 4 ms.
	// A group never waits for company: it takes what is queued.
	Group Group

	// CheckpointEvery is how soon a checkpoint follows new leaves; default 500 ms, below
	// 0 only when asked for.
	CheckpointEvery time.Duration
	// Stamp, where given, has a checkpoint time-stamped every StampEvery; default an hour.
	Stamp      Stamper
	StampEvery time.Duration

	// ReplayList is a file outside the data directory that is told of every disposal,
	// nullification and withdrawn permission, for a restore of an older backup (list.go);
	// "" keeps none.
	ReplayList string

	// For tests: other migrations, another driver, VFS or synchronous of SQLite, another
	// checkpointBytes, a call before each COMMIT, and another way to write to the WAL.
	migrations   fs.FS
	driver       string
	vfs          string
	synchronous  string
	checkpoint   int
	beforeCommit func() error
	openWAL      func(path string) (walFile, error)
}

// Group bounds what one commit takes.
type Group struct {
	Documents int
	Bytes     int
	Time      time.Duration
}

func (o Options) withDefaults() Options {
	def(&o.Readers, max(4, 2*runtime.GOMAXPROCS(0)))
	def(&o.driver, "sqlite3")
	def(&o.synchronous, "FULL")
	def(&o.checkpoint, checkpointBytes)
	def(&o.CheckpointEvery, checkpointEvery)
	def(&o.StampEvery, time.Hour)
	def(&o.Queue, 256)
	def(&o.QueueWait, 2*time.Second)
	def(&o.Group.Documents, 16)
	def(&o.Group.Bytes, 1<<20)
	def(&o.Group.Time, 4*time.Millisecond)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = defaultRandom
	}
	if o.migrations == nil {
		o.migrations = embedded
	}
	return o
}

func def[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}

// Store is an open archive. It is safe for concurrent use.
type Store struct {
	opt  Options
	keys *keyer
	lock *dirLock
	// vault is nil where the archive is not encrypted.
	vault    *vault
	rotating sync.Mutex
	backing  sync.Mutex // held while a backup is made

	tree        checkpointing
	list        replayList
	raw         rawFile
	background  sync.WaitGroup // all that runs beside the writer
	stamping    sync.Mutex     // held while a stamp is fetched; guards stamped
	stamped     time.Time
	stampFailed atomic.Value // errorBox

	queue   chan *job
	short   chan *job     // goes before queue
	stop    chan struct{} // closed by Close: no more jobs
	gone    chan struct{} // closed by the writer when it has ended
	closing sync.Once
	closed  error
	down    atomic.Pointer[Error] // set while the archive re-checks itself

	// mu is held for reading by each read, for writing while connections are replaced.
	mu   sync.RWMutex
	read *sql.DB

	w *writer

	figures figures
}

// Open opens the archive in opt.Dir, or creates it. It takes the ownership of the
// directory, brings an older schema up to date after copying the file to
// archive.db.v<N>.<time>.backup beside it, and refuses a newer one.
//
// Errors: *Error of kind ErrOwned, ErrNewer, ErrForeign, ErrKey, ErrReadOnly,
// ErrFull, ErrDamaged or ErrUnavailable.
func Open(ctx context.Context, opt Options) (*Store, error) {
	opt = opt.withDefaults()
	if opt.Dir == "" {
		return nil, input("open", "no data directory given")
	}
	lock, err := lockDir(opt.Dir)
	if err != nil {
		return nil, err
	}
	s := &Store{opt: opt, lock: lock,
		queue: make(chan *job, opt.Queue), short: make(chan *job, opt.Queue), stop: make(chan struct{}), gone: make(chan struct{}),
		tree: checkpointing{grown: make(chan struct{}, 1)}}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(fail("open", err), s.raw.close(), lock.release())
	}
	go s.w.run()
	if opt.CheckpointEvery > 0 {
		s.background.Go(s.keepCheckpoints)
		s.tree.leavesCame() // a crash may have left some without a checkpoint
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) error {
	fresh, err := s.prepareFile(ctx)
	if err != nil {
		return err
	}
	master, err := s.openMaster(ctx, fresh)
	if err != nil {
		return err
	}
	if s.keys, err = openKey(s.opt.Dir, s.opt.Random, fresh, master); err != nil {
		return err
	}
	if fresh {
		if err := errors.Join(s.keys.write(s.opt.Dir, s.opt.Random, master), s.initialise(ctx, master)); err != nil {
			return err
		}
	}
	if master != nil {
		if err := s.loadVault(ctx, master); err != nil {
			return err
		}
	}
	if err := s.openCheckpoints(ctx); err != nil {
		return err
	}
	s.w = &writer{s: s}
	return s.connect(ctx)
}

// connect opens the writer's and the readers' connections and checks that what
// the writer remembers as committed is there.
func (s *Store) connect(ctx context.Context) error {
	if err := s.w.open(ctx); err != nil {
		return errors.Join(err, s.w.close())
	}
	read, err := s.openDB("query_only", s.opt.Readers)
	if err != nil {
		return errors.Join(err, s.w.close())
	}
	s.read = read
	return nil
}

// path gives the path of a file in the data directory.
func (s *Store) path(name string) string { return filepath.Join(s.opt.Dir, name) }

// Close finishes what was queued, writes the WAL back into the database file and
// gives up the directory. Further calls get ErrClosed.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		<-s.gone
		s.background.Wait()
		err := s.lastList()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.read != nil {
			err = errors.Join(err, s.read.Close())
		}
		if e := s.w.truncateWAL(); e != nil {
			err = errors.Join(err, e, s.raw.hold(s.path(dbFile))) // the WAL stays, see disconnect
		}
		s.closed = errors.Join(fail("close", errors.Join(err, s.w.close(), s.raw.close())), s.lock.release())
	})
	return s.closed
}

// Ready tells whether the archive takes writes now: nil, or the error that a
// write would get.
func (s *Store) Ready() error {
	select {
	case <-s.stop:
		return &Error{Kind: ErrClosed, Op: "ready"}
	default:
	}
	if e := s.down.Load(); e != nil {
		return e
	}
	return nil
}

// now is the archive's clock in the resolution of the database.
func (s *Store) now() time.Time { return s.opt.Now().UTC().Truncate(time.Microsecond) }
