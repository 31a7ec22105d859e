package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"portti/gateway"
	"portti/gateway/control"
	"portti/internal/tsa"
	"portti/internal/xmltree"
	"portti/store"
	"portti/xmldsig"
	"portti/xmldsig/trust"

	"github.com/spf13/cobra"
)

// archiveCommand has the archive's own duties. They work while a gateway serves the
// archive, through its socket, and else open it themselves.
func (m *Main) archiveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "archive", Short: "the archive's own duties: verify, prove, back up, restore, export, keys",
		Example: "  portti archive verify --data var/archive --trust ca.pem\n" +
			"  portti archive prove --data var/archive 1.2.246.10.99999901.95777.2026.1 > proof.json\n" +
			"  portti archive check-proof --key checkpoint.pub proof.json document.xml",
	}
	cmd.AddCommand(m.archiveCommands()...)
	cmd.AddCommand(m.lifeCommands()...)
	return cmd
}

func (m *Main) archiveCommands() []*cobra.Command {
	return []*cobra.Command{m.archiveVerify(), m.archiveProve(), m.archiveConsistency(), m.archiveCheckProof(), m.archiveCheckpoints(), m.archiveRotate(),
		m.archiveBackup(), m.archiveRestore(), m.archiveExport()}
}

// controlCommands are what a process that owns an archive does for others.
func controlCommands() control.Commands {
	return control.Commands{"verify": runVerify, "prove": runProve, "consistency": runConsistency,
		"checkpoints": runCheckpoints, "rotate-key": runRotate, "backup": runBackup, "export": runExport,
		"dispose-plan": runDisposePlan, "dispose-apply": runDisposeApply, "hold": runHold, "event": runEvent, "stats": runStats,
		"log": runLog, "log-report": runLogReport, "log-purge": runLogPurge}
}

// onArchive adds the flags of a command that works on an archive.
func (m *Main) onArchive(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().String("data", "", "the archive's `DIR`ectory")
	m.masterFlags(cmd.Flags())
	return cmd
}

// onArchiveRun runs a command on the archive of --data.
func (m *Main) onArchiveRun(ctx context.Context, name string, args any) error {
	return m.onArchiveTo(ctx, name, args, m.Stdout)
}

// onArchiveTo is onArchiveRun with another place for what is printed.
func (m *Main) onArchiveTo(ctx context.Context, name string, args any, out io.Writer) error {
	dir := m.config.Data
	if dir == "" {
		return usage(errors.New("which archive?"), "portti archive "+name+" --data DIR")
	}
	if !exists(filepath.Join(dir, "archive.db")) {
		return usage(fmt.Errorf("no archive in %s", dir), "--data takes the data directory of an archive")
	}
	err := control.Run(ctx, dir, controlCommands(), name, args, out, func() (control.Archive, error) {
		return m.openArchive(ctx, dir)
	})
	var theirs *control.Error
	var exit *exitError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, control.ErrFindings):
		return errInvalid
	case errors.As(err, &theirs):
		return system(err, theirs.Hint)
	case errors.As(err, &exit):
		return err
	case errors.Is(err, store.ErrInput), errors.Is(err, store.ErrNotFound):
		return usage(err, storeHint(err))
	}
	return system(err, storeHint(err))
}

func (m *Main) openArchive(ctx context.Context, dir string) (a control.Archive, err error) {
	master, err := m.master(dir)
	if err != nil {
		return a, err
	}
	if a.Signatures, err = m.signatureJudge(); err != nil {
		return a, err
	}
	a.Store, err = store.Open(ctx, store.Options{Dir: dir, Now: m.Now, Master: master, CheckpointEvery: -1, ReplayList: m.replayList(dir)})
	return a, err
}

// replayList is the replay list of an archive: by default beside its data directory.
func (m *Main) replayList(dir string) string {
	if m.config.ReplayList != "" {
		return m.config.ReplayList
	}
	return replayFile(dir)
}

// signatureJudge judges signatures with the configured trust; without any, it judges
// nothing.
func (m *Main) signatureJudge() (store.SignatureJudge, error) {
	if m.config.Trust == "" && m.config.Pinned == "" {
		return nil, nil
	}
	t, err := m.trust()
	if err != nil {
		return nil, err
	}
	return signatureJudge(&xmldsig.Verifier{Trust: t, Now: m.Now}), nil
}

func signatureJudge(v *xmldsig.Verifier) store.SignatureJudge {
	return func(_ string, document []byte, arrived time.Time) error {
		t, err := xmltree.Parse(document, xmltree.Limits{Bytes: len(document)})
		if err != nil {
			return errors.New("it cannot be parsed")
		}
		verdict := v.DocumentAt(t, arrived)
		if verdict.Valid {
			return nil
		}
		var rules []string
		for _, f := range verdict.Findings {
			rules = append(rules, f.Rule)
		}
		return errors.New("not valid: " + strings.Join(rules, ", "))
	}
}

func (m *Main) archiveVerify() *cobra.Command {
	cmd := &cobra.Command{
		Use: "verify --data DIR", Short: "reads everything again and names whatever is damaged, missing or does not fit", Args: cobra.NoArgs,
		Long: "Reads every document, frame, log row and index entry again, computes the tree of proofs anew and checks\n" +
			"every checkpoint. With --trust, signatures are judged again too, as of each document's arrival; a gateway that\n" +
			"serves the archive judges them by its own trust where none is given. What is whole can be read all the same.\n" +
			"Exit code 1 with findings.",
		Example: "  portti archive verify --data var/archive --trust ca.pem",
		RunE: func(cmd *cobra.Command, _ []string) error {
			args := verifyArgs{Format: m.config.Format}
			if m.config.Trust != "" || m.config.Pinned != "" {
				if _, err := m.trust(); err != nil {
					return err
				}
				args.Trust = m.config.trusted()
			}
			return m.onArchiveRun(cmd.Context(), "verify", args)
		},
	}
	m.trustFlags(cmd.Flags())
	return m.onArchive(cmd)
}

type formatArgs struct {
	Format string `json:"format"`
}

// verifyArgs are what a verification is asked with; Trust nil leaves the judging of
// signatures to who owns the archive.
type verifyArgs struct {
	Format string  `json:"format"`
	Trust  *config `json:"trust,omitempty"`
}

// trusted gives of a configuration whom it trusts, with paths that hold in another
// process.
func (c *config) trusted() *config {
	t := defaults()
	t.World, t.TrustSkew, t.PoliciesSystem, t.PoliciesProfessional = c.World, c.TrustSkew, c.PoliciesSystem, c.PoliciesProfessional
	t.Revocation, t.RevocationFetch, t.RevocationAllow, t.OCSPNonce = c.Revocation, c.RevocationFetch, c.RevocationAllow, c.OCSPNonce
	for to, from := range map[*string]string{&t.Trust: c.Trust, &t.Pinned: c.Pinned, &t.CRL: c.CRL,
		&t.TrustSystem: c.TrustSystem, &t.TrustProfessional: c.TrustProfessional} {
		if *to = from; from == "" {
			continue
		}
		if abs, err := filepath.Abs(from); err == nil {
			*to = abs
		}
	}
	return &t
}

func runVerify(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args verifyArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	judge := a.Signatures
	if args.Trust != nil {
		var err error
		if judge, err = (&Main{Now: time.Now, config: *args.Trust}).signatureJudge(); err != nil {
			return err
		}
	}
	r, err := a.Store.Verify(ctx, judge)
	if err != nil {
		return err
	}
	if args.Format == "json" {
		err = json.NewEncoder(out).Encode(verified(r))
	} else {
		err = writeReport(out, r)
	}
	if err == nil && !r.OK() {
		return control.ErrFindings
	}
	return err
}

// verifyResult is the JSON form of a report.
type verifyResult struct {
	OK         bool            `json:"ok"`
	Documents  int64           `json:"documents"`
	Bytes      int64           `json:"bytes"`
	Leaves     int64           `json:"leaves"`
	LogRows    int64           `json:"logRows"`
	Signatures int64           `json:"signaturesJudged"`
	Problems   []verifyProblem `json:"problems"`
	More       int64           `json:"more,omitempty"`
}

type verifyProblem struct {
	Area   string `json:"area"`
	ID     string `json:"id,omitempty"`
	Detail string `json:"detail"`
}

func verified(r *store.CheckReport) verifyResult {
	v := verifyResult{OK: r.OK(), Documents: r.Documents, Bytes: r.Bytes, Leaves: r.Leaves, LogRows: r.LogRows, Signatures: r.Signed,
		Problems: []verifyProblem{}, More: r.More}
	for _, p := range r.Problems {
		v.Problems = append(v.Problems, verifyProblem(p))
	}
	return v
}

func writeReport(out io.Writer, r *store.CheckReport) error {
	for _, p := range r.Problems {
		if _, err := fmt.Fprintf(out, "%s %s: %s\n", p.Area, p.ID, p.Detail); err != nil {
			return err
		}
	}
	if r.More > 0 {
		fmt.Fprintf(out, "and %d more\n", r.More)
	}
	verdict := "everything is whole"
	if !r.OK() {
		verdict = fmt.Sprintf("%d problems", int64(len(r.Problems))+r.More)
	}
	_, err := fmt.Fprintf(out, "%d documents (%d bytes), %d signatures judged, %d log rows, %d leaves: %s\n",
		r.Documents, r.Bytes, r.Signed, r.LogRows, r.Leaves, verdict)
	return err
}

func indented(out io.Writer, v any) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (m *Main) archiveConsistency() *cobra.Command {
	var args idArgs
	cmd := &cobra.Command{
		Use: "consistency --data DIR --from SIZE", Short: "proves that one checkpoint's tree is the beginning of another's", Args: cobra.NoArgs,
		Example: "  portti archive consistency --data var/archive --from 120 > consistency.json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.onArchiveRun(cmd.Context(), "consistency", args)
		},
	}
	cmd.Flags().Int64Var(&args.From, "from", 0, "`SIZE` of the earlier checkpoint")
	cmd.Flags().Int64Var(&args.To, "to", 0, "`SIZE` of the later one (default the newest)")
	return m.onArchive(cmd)
}

func runConsistency(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args idArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	p, err := a.Store.Consistency(ctx, args.From, args.To)
	if err != nil {
		return err
	}
	return indented(out, p)
}

func (m *Main) archiveCheckpoints() *cobra.Command {
	return m.onArchive(&cobra.Command{
		Use: "checkpoints --data DIR", Short: "shows the checkpoint key and the newest checkpoints", Args: cobra.NoArgs,
		Example: "  portti archive checkpoints --data var/archive",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.onArchiveRun(cmd.Context(), "checkpoints", formatArgs{m.config.Format})
		},
	})
}

func runCheckpoints(ctx context.Context, a control.Archive, _ json.RawMessage, out io.Writer) error {
	if err := a.Store.Checkpoint(ctx); err != nil {
		return err
	}
	cs, err := a.Store.Checkpoints(ctx, 10)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "key: %s\n", a.Store.CheckpointKey())
	for _, c := range cs {
		fmt.Fprintf(out, "%s  size %d  root %s\n", c.At.Format(time.RFC3339), c.Size, hex.EncodeToString(c.Root[:]))
	}
	return nil
}

// stamper gives who stamps checkpoints; nil without timestamp_url.
func (m *Main) stamper() (store.Stamper, time.Duration, error) {
	c := &m.config
	if c.TimestampURL == "" {
		return nil, 0, nil
	}
	every, err := time.ParseDuration(c.TimestampEvery)
	if err != nil || every <= 0 {
		return nil, 0, usage(fmt.Errorf("timestamp_every is %q", c.TimestampEvery), "use a time such as 1h")
	}
	certs, err := trust.Load(c.TimestampTrust)
	if err != nil || len(certs) == 0 {
		return nil, 0, usage(errors.Join(errors.New("a time-stamp authority without trust"), err), "--timestamp-trust takes the certificates that it leads to")
	}
	client := &tsa.Client{URL: c.TimestampURL, Trust: certs, HTTP: &http.Client{Timeout: time.Minute}}
	return client.Stamp, every, nil
}

type rotateArgs struct {
	// Next is the new master key in hex; "" keeps the old.
	Next   string `json:"next"`
	Format string `json:"format"`
}

func (m *Main) archiveRotate() *cobra.Command {
	var next string
	var master bool
	cmd := &cobra.Command{
		Use: "rotate-key --data DIR", Short: "takes new data keys into use, and a new master key where told", Args: cobra.NoArgs,
		Long: "New payloads are sealed by new data keys from now on; the old keys stay, for what they sealed. With --new-master\n" +
			"a new master key is made in place of the key file, which is kept as FILE.<time>: older backups need it.\n" +
			"With --new-master-key the key of that file is the new one; name it at the next start.\n" +
			"The index key and the checkpoint key come under the new master key, but stay themselves: log rows that cannot be\n" +
			"changed are found by the one, and the other is what proofs that were handed out are checked with.",
		Example: "  portti archive rotate-key --data var/archive\n  portti archive rotate-key --data var/archive --new-master",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.rotate(cmd.Context(), next, master)
		},
	}
	cmd.Flags().StringVar(&next, "new-master-key", "", "`FILE` of the new master key")
	cmd.Flags().BoolVar(&master, "new-master", false, "make a new master key in place of the old")
	return m.onArchive(cmd)
}

func (m *Main) rotate(ctx context.Context, next string, replace bool) error {
	file := m.config.MasterKey
	if file == "" {
		file = masterFile(m.config.Data)
	}
	if replace {
		if m.config.MasterKeyCommand != "" || next != "" {
			return usage(errors.New("--new-master makes a key file"), "with a key command, put the new key in place there and name it by --new-master-key")
		}
		next = newKey(file)
		if !exists(next) { // else one of a rotation that was broken off
			if err := store.NewKeyFile(next, rand.Reader); err != nil {
				return system(err, "")
			}
		}
	}
	args := rotateArgs{Format: m.config.Format}
	if next != "" {
		key, err := store.KeyFile(next)(ctx)
		if err != nil {
			return usage(err, "")
		}
		args.Next = hex.EncodeToString(key)
	}
	if err := m.onArchiveRun(ctx, "rotate-key", args); err != nil || !replace {
		return err
	}
	old := m.oldKey(file)
	if err := store.ReplaceKeyFile(file, next, old); err != nil {
		return system(err, "the archive is under the key in "+next)
	}
	fmt.Fprintf(m.Stdout, "the master key is %s now; the old one is %s\n", file, old)
	return nil
}

func runRotate(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args rotateArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	var next store.KeySource
	if args.Next != "" {
		key, err := hex.DecodeString(args.Next)
		if err != nil {
			return err
		}
		next = store.Key(key)
	}
	r, err := a.Store.RotateKeys(ctx, next)
	if err != nil {
		return err
	}
	if args.Format == "json" {
		return json.NewEncoder(out).Encode(map[string]any{"retired": r.Retired, "rewrapped": r.Rewrapped})
	}
	_, err = fmt.Fprintf(out, "%d data keys retired; new ones seal what comes\n", r.Retired)
	return err
}

// serveControl lets commands reach the archive of a running gateway.
func serveControl(g *gateway.Instance, dir string) (stop func() error, err error) {
	cs := controlCommands()
	cs[orgControl] = orgFor(g.Judge.Organisations, &g.Engine.Settings)
	return control.Serve(dir, control.Archive{Store: g.Store, Signatures: signatureJudge(g.Judge.Verifier)}, cs)
}
