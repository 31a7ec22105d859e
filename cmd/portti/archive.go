package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"portti/gateway"
	"portti/gateway/control"
	"portti/gateway/logs"
	"portti/internal/tsa"
	"portti/internal/xmltree"
	"portti/store"
	"portti/store/proof"
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
			"every checkpoint. With --trust, signatures are judged again too, as of each document's arrival. What is\n" +
			"whole can be read all the same. Exit code 1 with findings.",
		Example: "  portti archive verify --data var/archive --trust ca.pem",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.onArchiveRun(cmd.Context(), "verify", formatArgs{m.config.Format})
		},
	}
	m.trustFlags(cmd.Flags())
	return m.onArchive(cmd)
}

type formatArgs struct {
	Format string `json:"format"`
}

func runVerify(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args formatArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	r, err := a.Store.Verify(ctx, a.Signatures)
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

type idArgs struct {
	ID       string `json:"id"`
	From, To int64
	// Content asks for what stands in the row, By and Purpose say who does and why.
	Content bool        `json:"content,omitempty"`
	By      store.Actor `json:"by,omitzero"`
	Purpose string      `json:"purpose,omitempty"`
}

func (m *Main) archiveProve() *cobra.Command {
	var x idArgs
	var by actor
	cmd := m.onArchive(&cobra.Command{
		Use: "prove --data DIR ID", Short: "proves that a document is in the archive as it was answered: a file for check-proof", Args: cobra.ExactArgs(1),
		Long: "ID is a document's OID, or leaf:N for the hash of leaf N alone: of a log row, whose leaf portti log tells, or\n" +
			"any other deed. With --content the proof holds what stands in the row too, which may be personal: the look is\n" +
			"logged itself, before the proof is given.",
		Example: "  portti archive prove --data var/archive 1.2.246.10.99999901.95777.2026.1 > proof.json\n" +
			"  portti archive prove --data var/archive leaf:12 --content --purpose valvonta --by 1234 --by-name \"Anna Arkisto\" > proof.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if x.Content {
				if err := by.need(); err != nil {
					return err
				}
				if x.Purpose == "" || !strings.HasPrefix(args[0], "leaf:") {
					return usage(errors.New("--content is of a leaf, for a purpose"), "add --purpose WORD, and leaf:N as ID")
				}
			}
			x.ID, x.By = args[0], by.actor()
			return m.onArchiveRun(cmd.Context(), "prove", x)
		},
	})
	f := cmd.Flags()
	f.BoolVar(&x.Content, "content", false, "of a leaf: with what stands in its row")
	f.StringVar(&x.Purpose, "purpose", "", "with --content: `WORD` why, for the log")
	by.flags(f)
	return cmd
}

func runProve(ctx context.Context, a control.Archive, raw json.RawMessage, out io.Writer) error {
	var args idArgs
	if err := json.Unmarshal(raw, &args); err != nil {
		return err
	}
	if args.Content {
		return proveContent(ctx, a.Store, args, out)
	}
	p, err := a.Store.Prove(ctx, upkeep, args.ID)
	if err != nil {
		return err
	}
	return indented(out, p)
}

// proveContent proves a leaf with what stands in its row. The look is logged first, in
// the log that the row is of.
func proveContent(ctx context.Context, st *store.Store, args idArgs, out io.Writer) error {
	leaf, err := strconv.ParseInt(strings.TrimPrefix(args.ID, "leaf:"), 10, 64)
	if err != nil {
		return usage(fmt.Errorf("%q is no leaf", args.ID), "leaf:N, with the number that portti log tells")
	}
	p, err := st.ProveRow(ctx, upkeep, leaf)
	if err != nil {
		return err
	}
	u := store.Usage{DataController: "archive", User: args.By.ID, UserName: args.By.Name, System: "portti", Action: logs.ActionProve, Purpose: args.Purpose,
		Detail: fmt.Appendf(nil, `{"leaf":%d}`, leaf)}
	for _, name := range []string{"organiser", "from-controller", "controller", "data-controller", "log-controller"} {
		if f := p.Field(name); f != nil && f.Text != nil && *f.Text != "" {
			u.DataController = *f.Text
		}
	}
	u.LogController = u.DataController
	if e, err := logs.Proven(p); err == nil {
		u.Client, u.DataController = e.Client, e.DataController
	}
	if err := st.Log(ctx, store.Entries{Usage: []store.Usage{u}}); err != nil {
		return err
	}
	return indented(out, p)
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

func (m *Main) archiveCheckProof() *cobra.Command {
	var key, stamps string
	cmd := &cobra.Command{
		Use: "check-proof --key FILE PROOF [DOCUMENT.xml|ENTRY.json]", Short: "checks a proof with nothing but the checkpoint key", Args: cobra.RangeArgs(1, 2),
		Long: "Checks a file of prove or consistency. With a document, the proof must be of exactly these bytes; with an entry\n" +
			"of portti log --as jsonl (one line), of exactly this log row. Without either, what is proven is printed.\n" +
			"The key is checkpoint.pub of the archive's data directory, handed over by a way of its own.",
		Example: "  portti archive check-proof --key checkpoint.pub proof.json document.xml",
		RunE: func(_ *cobra.Command, args []string) error {
			public, err := os.ReadFile(key)
			if err != nil {
				return usage(err, "--key takes the checkpoint key, checkpoint.pub of the archive")
			}
			return m.checkProof(string(public), stamps, args)
		},
	}
	cmd.Flags().StringVar(&stamps, "timestamp-trust", "", "PEM `FILE`: the proof's checkpoint must bear a time stamp of an authority that leads to these")
	cmd.Flags().StringVar(&key, "key", "", "`FILE` of the checkpoint key")
	return cmd
}

func (m *Main) checkProof(public, stamps string, args []string) error {
	b, err := os.ReadFile(args[0])
	if err != nil {
		return usage(err, "")
	}
	in, con, err := proof.Read(b)
	var text string
	switch {
	case err != nil:
	case con != nil:
		var from, to *proof.Checkpoint
		if from, to, err = con.Verify(public); err == nil {
			text = fmt.Sprintf("holds: the tree of %d (%s) is the beginning of that of %d (%s)", from.Size, from.At.Format(time.RFC3339), to.Size, to.At.Format(time.RFC3339))
		}
	case len(args) == 2:
		var document []byte
		if document, err = os.ReadFile(args[1]); err != nil {
			return usage(err, "")
		}
		text, err = holdsOf(in, public, document)
	default:
		var c *proof.Checkpoint
		if c, err = in.Verify(public); err == nil {
			text = holds(in, c)
		}
	}
	if err == nil && stamps != "" {
		var stamped string
		stamped, err = stampOf(in, stamps)
		text += stamped
	}
	if err == nil && in != nil && len(args) == 1 {
		text += told(in)
	}
	if errors.Is(err, proof.ErrInvalid) || errors.Is(err, tsa.ErrStamp) || errors.Is(err, logs.ErrDiffers) {
		fmt.Fprintln(m.Stdout, err)
		return errInvalid
	}
	if err != nil {
		return usage(err, "")
	}
	fmt.Fprintln(m.Stdout, text)
	return nil
}

// holdsOf holds a proof against what it is to be of: a document, or a supplied entry
// of a log.
func holdsOf(in *proof.Inclusion, public string, what []byte) (string, error) {
	if in.Kind != proof.KindUsage && in.Kind != proof.KindDisclosure {
		c, err := in.VerifyDocument(public, what)
		if err != nil {
			return "", err
		}
		return holds(in, c) + "; the document is this one", nil
	}
	c, err := in.Verify(public)
	if err != nil {
		return "", err
	}
	if err := logs.Hold(in, what); err != nil {
		return "", err
	}
	return holds(in, c) + "; the entry is this one", nil
}

// told tells the fields that are proven, one a line.
func told(in *proof.Inclusion) string {
	var b strings.Builder
	for _, f := range in.Fields {
		fmt.Fprintf(&b, "\n  %s: %s", f.Name, f.String())
	}
	return b.String()
}

// stampOf checks the time stamp of a proof's checkpoint.
func stampOf(p *proof.Inclusion, trusted string) (string, error) {
	certs, err := trust.Load(trusted)
	if err != nil {
		return "", err
	}
	if p == nil || len(p.Stamp) == 0 {
		return "", fmt.Errorf("%w: the checkpoint has none", tsa.ErrStamp)
	}
	at, err := tsa.Check(p.Stamp, sha256.Sum256([]byte(p.Checkpoint)), certs)
	if err != nil {
		return "", err
	}
	return ", time-stamped " + at.Format(time.RFC3339), nil
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

func holds(p *proof.Inclusion, c *proof.Checkpoint) string {
	return fmt.Sprintf("holds: %s is leaf %d of %d in %s, checkpoint of %s", p.Subject, p.Index, c.Size, c.Origin, c.At.Format(time.RFC3339))
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
			"With --new-master-key the key of that file is the new one; name it at the next start.",
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
	cs[orgControl] = orgFor(g.Judge.Organisations)
	return control.Serve(dir, control.Archive{Store: g.Store, Signatures: signatureJudge(g.Judge.Verifier)}, cs)
}
