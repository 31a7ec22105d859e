package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"portti/gateway/control"
	"portti/store"

	"filippo.io/age"
	"github.com/spf13/cobra"
)

// replayFile is where an archive's replay list is by default: beside its directory.
func replayFile(data string) string { return filepath.Clean(data) + ".replay" }

type backupArgs struct {
	To         string   `json:"to"`
	Recipients []string `json:"recipients"`
	Rate       int64    `json:"rate"`
	Format     string   `json:"format"`
}

func (m *Main) archiveBackup() *cobra.Command {
	args := backupArgs{}
	var file string
	cmd := &cobra.Command{
		Use: "backup --data DIR --to BACKUPS", Short: "backs the archive up while it serves; each backup holds what the earlier ones lack", Args: cobra.NoArgs,
		Long: "Takes the state of one commit. The packs of an encrypted archive are sealed as the archive is; with --recipient\n" +
			"every pack is encrypted besides (age). The master key and the replay list (DIR.replay) are in no backup: keep\n" +
			"them apart, and keep a copy of both.",
		Example: "  portti archive backup --data var/archive --to /backup/archive\n" +
			"  portti archive backup --data var/archive --to /backup/archive --recipient age1…",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if args.To == "" {
				return usage(errors.New("where to?"), "portti archive backup --data DIR --to BACKUPS")
			}
			if file != "" {
				b, err := os.ReadFile(file)
				if err != nil {
					return usage(err, "")
				}
				for line := range strings.Lines(string(b)) {
					if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
						args.Recipients = append(args.Recipients, line)
					}
				}
			}
			if _, err := recipients(args.Recipients); err != nil {
				return usage(err, "a recipient is a public key such as age1…")
			}
			var err error
			if args.To, err = filepath.Abs(args.To); err != nil {
				return system(err, "")
			}
			args.Format = m.config.Format
			return m.onArchiveRun(cmd.Context(), "backup", args)
		},
	}
	f := cmd.Flags()
	f.StringVar(&args.To, "to", "", "`DIR`ectory of the backups")
	f.StringArrayVar(&args.Recipients, "recipient", nil, "encrypt for this age public `KEY` (may be repeated)")
	f.StringVar(&file, "recipients-file", "", "`FILE` of age public keys, one a line")
	f.Int64Var(&args.Rate, "rate", 16<<20, "how many `BYTES` a second are read at most")
	return m.onArchive(cmd)
}

func recipients(keys []string) ([]age.Recipient, error) {
	var out []age.Recipient
	for _, k := range keys {
		r, err := age.ParseX25519Recipient(k)
		if err != nil {
			return nil, errors.New("a recipient is no age public key")
		}
		out = append(out, r)
	}
	return out, nil
}

func runBackup(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args backupArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	o := store.BackupOptions{Dir: args.To, Rate: args.Rate}
	rs, err := recipients(args.Recipients)
	if err != nil {
		return err
	}
	if len(rs) > 0 {
		o.Encrypt = func(w io.Writer) (io.WriteCloser, error) { return age.Encrypt(w, rs...) }
	}
	m, err := a.Store.Backup(ctx, o)
	if err != nil {
		return err
	}
	if args.Format == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"number": m.Number, "bytes": m.Size, "written": m.Written,
			"chunks": len(m.Chunks), "new": m.New, "encrypted": m.Encrypted, "sealed": m.Sealed})
	}
	_, err = fmt.Fprintf(out, "backup %d: %d bytes of archive, %d of %d chunks new, %d bytes written\n", m.Number, m.Size, m.New, len(m.Chunks), m.Written)
	return err
}

func (m *Main) archiveRestore() *cobra.Command {
	var o store.RestoreOptions
	var identity, list string
	var without bool
	cmd := &cobra.Command{
		Use: "restore --from BACKUPS --data DIR", Short: "makes a data directory from a backup, verified in full", Args: cobra.NoArgs,
		Long: "Verifies everything, signatures too with --trust, then does again what the replay list tells of disposals,\n" +
			"nullifications and withdrawn permissions since the backup, and puts the directory in its place. Without a\n" +
			"replay list nothing is restored unless --without-list says that there is none.",
		Example: "  portti archive restore --from /backup/archive --data var/archive --trust ca.pem",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.From == "" || m.config.Data == "" {
				return usage(errors.New("restore from where, to where?"), "portti archive restore --from BACKUPS --data DIR")
			}
			o.To, o.Now = m.config.Data, m.Now
			if list == "" {
				list = replayFile(o.To)
			}
			switch {
			case without:
			case !exists(list):
				return usage(fmt.Errorf("no replay list %s", list), "name it with --replay-list, or say --without-list: what was disposed of since the backup would be back")
			default:
				o.ReplayList = list
			}
			return m.restore(cmd.Context(), o, identity)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.From, "from", "", "`DIR`ectory of the backups")
	f.IntVar(&o.Number, "number", 0, "`NUMBER` of the backup (default the newest)")
	f.StringVar(&identity, "identity", "", "`FILE` of the age identity that opens the packs")
	f.StringVar(&list, "replay-list", "", "`FILE` of the replay list (default DIR.replay)")
	f.BoolVar(&without, "without-list", false, "there is no replay list")
	m.trustFlags(f)
	return m.onArchive(cmd)
}

func (m *Main) restore(ctx context.Context, o store.RestoreOptions, identity string) (err error) {
	if identity != "" {
		b, err := os.ReadFile(identity)
		if err != nil {
			return usage(err, "")
		}
		ids, err := age.ParseIdentities(strings.NewReader(string(b)))
		if err != nil {
			return usage(errors.New("the identity file holds no age identity"), "")
		}
		o.Decrypt = func(r io.Reader) (io.Reader, error) { return age.Decrypt(r, ids...) }
	}
	if o.Signatures, err = m.signatureJudge(); err != nil {
		return err
	}
	if o.Master, err = m.existingMaster(o.To); err != nil {
		return err
	}
	r, err := store.Restore(ctx, o)
	if r.Report != nil && m.config.Format != "json" {
		if err := writeReport(m.Stdout, r.Report); err != nil {
			return err
		}
	}
	switch {
	case errors.Is(err, store.ErrDamaged):
		fmt.Fprintln(m.Stdout, err)
		return errInvalid
	case errors.Is(err, store.ErrInput):
		return usage(err, storeHint(err))
	case err != nil:
		return system(err, storeHint(err))
	}
	if m.config.Format == "json" {
		return json.NewEncoder(m.Stdout).Encode(map[string]any{"backup": r.Manifest.Number, "made": r.Manifest.Made, "report": verified(r.Report),
			"disposals": r.Replayed.Disposals, "nullifications": r.Replayed.Nullifications, "permissions": r.Replayed.Permissions, "unknown": r.Replayed.Unknown})
	}
	p := r.Replayed
	_, err = fmt.Fprintf(m.Stdout, "restored backup %d of %s into %s; done again: %d disposals, %d nullifications, %d permissions withdrawn (%d to documents that are newer than the backup)\n",
		r.Manifest.Number, r.Manifest.Made.Format(time.RFC3339), o.To, p.Disposals, p.Nullifications, p.Permissions, p.Unknown)
	return err
}

// existingMaster gives the master key of an archive that is to be restored: none is made.
func (m *Main) existingMaster(data string) (store.KeySource, error) {
	if m.config.MasterKeyCommand != "" || m.config.MasterKey != "" || exists(masterFile(data)) {
		return m.master(data)
	}
	return nil, nil
}
