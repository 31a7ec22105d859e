package gateway

import (
	"context"
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"

	"portti/store"

	"github.com/prometheus/client_golang/prometheus"
)

// Watched is what the figures and the readiness of an archive are told from;
// *store.Store is one.
type Watched interface {
	Stats() store.Stats
	Ready() error
	CheckpointAge() (time.Duration, bool)
	// CheckpointError and ListError are what the last checkpoint and the last line of the
	// replay list failed by.
	CheckpointError() error
	ListError() error
}

// archiveMetrics tells Prometheus of an archive, its disk and its certificates.
type archiveMetrics struct {
	archive Watched
	dir     string
	// certificates are the ends of certificates by use.
	certificates map[string]time.Time
	// backup tells of the last backup; nil tells of none.
	backup func() (store.BackupRecord, error)
}

// figure is one number of the archive.
type figure struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(*store.Stats) float64
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var figures = []figure{
	{desc("portti_queue_length", "Writes that wait for the archive's writer."), prometheus.GaugeValue, func(s *store.Stats) float64 { return float64(s.Queue) }},
	{desc("portti_queue_limit", "Writes that may wait before senders are told to come again."), prometheus.GaugeValue, func(s *store.Stats) float64 { return float64(s.QueueLimit) }},
	{desc("portti_commits_failed_total", "Commits that failed as a whole: disk full, I/O errors, locks."), prometheus.CounterValue, func(s *store.Stats) float64 { return float64(s.Failed) }},
	{desc("portti_documents", "Document versions in the archive, disposed ones too."), prometheus.GaugeValue, func(s *store.Stats) float64 { return float64(s.Documents) }},
	{desc("portti_leaves", "Integrity leaves of the archive."), prometheus.GaugeValue, func(s *store.Stats) float64 { return float64(s.Leaves) }},
	{desc("portti_database_bytes", "Size of the database file."), prometheus.GaugeValue, func(s *store.Stats) float64 { return float64(s.File) }},
	{desc("portti_wal_bytes", "Size of the write-ahead log; it grows while a long read holds it."), prometheus.GaugeValue, func(s *store.Stats) float64 { return float64(s.WAL) }},
}

var (
	descLogRows     = desc("portti_log_rows_total", "Rows ever written to a log.", "log")
	descGroups      = desc("portti_commit_group_writes", "Writes that shared one commit.")
	descCommits     = desc("portti_commit_seconds", "Time of one commit, from its first write to the answer of the disk.")
	descDiskFree    = desc("portti_disk_free_bytes", "Free bytes of the data directory's file system for this process.")
	descDiskSize    = desc("portti_disk_size_bytes", "Size of the data directory's file system.")
	descCheckpoint  = desc("portti_checkpoint_age_seconds", "How long the oldest leaf has waited for a signed checkpoint; 0 where none waits.")
	descReady       = desc("portti_ready", "1 where the archive takes documents, by what is checked.", "check")
	descBackup      = desc("portti_backup_timestamp_seconds", "When the last completed backup was made, in seconds since 1970; 0 where none was.")
	descCertificate = desc("portti_certificate_expiry_seconds", "End of a certificate's validity, in seconds since 1970.", "use")
)

// Describe implements prometheus.Collector.
func (m *archiveMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, f := range figures {
		out <- f.desc
	}
	for _, d := range []*prometheus.Desc{descLogRows, descGroups, descCommits, descDiskFree, descDiskSize, descCheckpoint, descReady, descBackup, descCertificate} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *archiveMetrics) Collect(out chan<- prometheus.Metric) {
	s := m.archive.Stats()
	for _, f := range figures {
		out <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(&s))
	}
	for log, n := range map[string]int64{"usage": s.Usage, "disclosure": s.Disclosures, "message": s.Messages} {
		out <- prometheus.MustNewConstMetric(descLogRows, prometheus.CounterValue, float64(n), log)
	}
	out <- prometheus.MustNewConstHistogram(descGroups, uint64(s.Commits), float64(s.Jobs), classes(store.GroupBounds, s.Groups))
	out <- prometheus.MustNewConstHistogram(descCommits, uint64(s.Commits), s.CommitTime.Seconds(), classes(store.CommitBounds, s.Seconds))
	if free, size, err := disk(m.dir); err == nil {
		out <- prometheus.MustNewConstMetric(descDiskFree, prometheus.GaugeValue, free)
		out <- prometheus.MustNewConstMetric(descDiskSize, prometheus.GaugeValue, size)
	}
	age, _ := m.archive.CheckpointAge()
	out <- prometheus.MustNewConstMetric(descCheckpoint, prometheus.GaugeValue, age.Seconds())
	for _, c := range m.checks() {
		ok := 0.0
		if c.err == nil {
			ok = 1
		}
		out <- prometheus.MustNewConstMetric(descReady, prometheus.GaugeValue, ok, c.name)
	}
	made := 0.0
	if r := m.lastBackup(); !r.Made.IsZero() {
		made = float64(r.Made.Unix())
	}
	out <- prometheus.MustNewConstMetric(descBackup, prometheus.GaugeValue, made)
	for use, end := range m.certificates {
		out <- prometheus.MustNewConstMetric(descCertificate, prometheus.GaugeValue, float64(end.Unix()), use)
	}
}

// lastBackup tells of the last backup. A record that cannot be read tells of none, which
// calls the operator as well.
func (m *archiveMetrics) lastBackup() store.BackupRecord {
	if m.backup == nil {
		return store.BackupRecord{}
	}
	r, err := m.backup()
	if err != nil {
		return store.BackupRecord{}
	}
	return r
}

func classes(bounds []float64, counts []int64) map[float64]uint64 {
	out := make(map[float64]uint64, len(bounds))
	for i, b := range bounds {
		out[b] = 0
		if i < len(counts) {
			out[b] = uint64(counts[i])
		}
	}
	return out
}

// disk gives free and whole size of the file system of a directory.
func disk(dir string) (free, size float64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	return float64(s.Bavail) * float64(s.Bsize), float64(s.Blocks) * float64(s.Bsize), nil
}

// What readiness demands beside the writer: room on the disk for the largest message
// and what goes with it, and proofs that keep up.
const (
	minFree          = 256 << 20
	maxCheckpointAge = time.Minute
)

// check is one thing that readiness hangs on.
type check struct {
	name string
	err  error
}

// checks looks at everything but whether the directory takes a file, which writes.
func (m *archiveMetrics) checks() []check {
	out := []check{{"writer", m.archive.Ready()}, {"disk", m.room()}, {"queue", nil}, {"checkpoint", nil}, {"replay-list", m.archive.ListError()}}
	if s := m.archive.Stats(); s.QueueLimit > 0 && s.Queue >= s.QueueLimit {
		out[2].err = fmt.Errorf("gateway: %d writes wait", s.Queue)
	}
	if age, waits := m.archive.CheckpointAge(); waits && age > maxCheckpointAge {
		out[3].err = errors.Join(fmt.Errorf("gateway: the oldest leaf has waited %v for a checkpoint", age.Round(time.Second)), m.archive.CheckpointError())
	}
	return out
}

func (m *archiveMetrics) room() error {
	free, _, err := disk(m.dir)
	switch {
	case err != nil:
		return fmt.Errorf("gateway: data directory: %w", err)
	case free < minFree:
		return fmt.Errorf("gateway: data directory: %d MB free, %d MB are needed", int64(math.Floor(free/(1<<20))), minFree>>20)
	}
	return nil
}

// NotReady tells which checks of readiness fail.
type NotReady struct {
	// Failed are the names: writer, disk, queue, checkpoint, replay-list or directory.
	Failed []string
	err    error
}

// Error gives every reason, for the log.
func (e *NotReady) Error() string { return e.err.Error() }

// Unwrap gives the reasons.
func (e *NotReady) Unwrap() error { return e.err }

// ready is nil, or a *NotReady.
func (m *archiveMetrics) ready(context.Context) error {
	e := &NotReady{}
	var errs []error
	for _, c := range append(m.checks(), check{"directory", writable(m.dir)}) {
		if c.err != nil {
			e.Failed = append(e.Failed, c.name)
			errs = append(errs, c.err)
		}
	}
	if len(errs) == 0 {
		return nil
	}
	e.err = errors.Join(errs...)
	return e
}
