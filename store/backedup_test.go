package store

import (
	"os"
	"path/filepath"
	"testing"
)

// The operator is told when the last backup was made, and that a later one failed.
func TestTheLastBackupIsTold(t *testing.T) {
	s := open(t)
	mustArchive(t, s, doc(id(1)))
	if r, err := s.LastBackup(); err != nil || !r.Made.IsZero() || !r.Failed.IsZero() {
		t.Errorf("%+v %v", r, err)
	}
	to := t.TempDir()
	m, err := s.Backup(bg, BackupOptions{Dir: to})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.LastBackup()
	if err != nil || !r.Made.Equal(m.Made) || r.Number != 1 || r.To != to || r.Written == 0 || !r.Failed.IsZero() {
		t.Errorf("%+v %v", r, err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Backup(bg, BackupOptions{Dir: file}); err == nil {
		t.Fatal("a backup went into a file")
	}
	if r, err := s.LastBackup(); err != nil || r.Number != 1 || r.Failed.IsZero() {
		t.Errorf("%+v %v", r, err)
	}
	wantClean(t, s)
	// The record is in no backup.
	names, err := s.smallFiles()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if n == backupRecordFile {
			t.Error("the record goes into backups")
		}
	}
	if err := os.WriteFile(s.path(backupRecordFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.LastBackup(); err == nil {
		t.Error("a broken record is read")
	}
	if m, err := s.Backup(bg, BackupOptions{Dir: to}); err != nil || m.Number != 2 {
		t.Errorf("%v", err)
	}
}
