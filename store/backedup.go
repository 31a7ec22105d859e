package store

import (
	"encoding/json"
	"os"
	"time"
)

// BackupRecord tells of an archive's last backup. It stands in a file of the data
// directory that is part of no backup: a restored archive has none yet.
type BackupRecord struct {
	// Made is when the last backup that was completed began; zero where there is none.
	Made   time.Time `json:"made,omitzero"`
	Number int       `json:"number,omitempty"`
	// To is the directory of the backups, Written the size of its pack in bytes.
	To        string `json:"to,omitempty"`
	Written   int64  `json:"written,omitempty"`
	Encrypted bool   `json:"encrypted,omitempty"`
	// Failed is when a later attempt failed; zero where none did.
	Failed time.Time `json:"failed,omitzero"`
}

const backupRecordFile = "last-backup.json"

// LastBackup tells of the last backup; its zero value where none was ever tried.
func (s *Store) LastBackup() (BackupRecord, error) {
	var r BackupRecord
	b, err := os.ReadFile(s.path(backupRecordFile))
	if os.IsNotExist(err) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fail("last backup", err)
	}
	return r, nil
}

// noteBackup keeps what became of an attempt. A record that cannot be read is begun anew.
func (s *Store) noteBackup(o BackupOptions, m *Manifest, failed error) error {
	r := BackupRecord{Made: m.Made, Number: m.Number, To: o.Dir, Written: m.Written, Encrypted: m.Encrypted}
	if failed != nil {
		r, _ = s.LastBackup()
		r.Failed = s.now()
	}
	b, err := json.Marshal(&r)
	if err != nil {
		return err
	}
	return writeFile(s.path(backupRecordFile), b, 0o600)
}
