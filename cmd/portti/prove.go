package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"portti/gateway/control"
	"portti/gateway/logs"
	"portti/internal/tsa"
	"portti/store"
	"portti/store/proof"
	"portti/xmldsig/trust"

	"github.com/spf13/cobra"
)

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
		Long: "ID is a document's OID, or names a leaf, whose hash alone is then proven: leaf:N (portti log tells it of each\n" +
			"entry), usage:N, disclosure:N, nullification:OID, disposal:OID, notice:OID. With --content the proof holds what stands in the row too, which may be personal: the look is\n" +
			"logged itself, before the proof is given.",
		Example: "  portti archive prove --data var/archive 1.2.246.10.99999901.95777.2026.1 > proof.json\n" +
			"  portti archive prove --data var/archive leaf:12 --content --purpose valvonta --by 1234 --by-name \"Anna Arkisto\" > proof.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if x.Content {
				if err := by.need(); err != nil {
					return err
				}
				if x.Purpose == "" || !strings.Contains(args[0], ":") {
					return usage(errors.New("--content is of a leaf, for a purpose"), "add --purpose WORD, and leaf:N or the like as ID")
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
	id := args.ID
	if strings.Contains(id, ":") {
		leaf, err := a.Store.Leaf(ctx, id)
		if err != nil {
			return err
		}
		id = fmt.Sprintf("leaf:%d", leaf)
	}
	p, err := a.Store.Prove(ctx, upkeep, id)
	if err != nil {
		return err
	}
	return indented(out, p)
}

// proveContent proves a leaf with what stands in its row. The look is logged first, in
// the log that the row is of.
func proveContent(ctx context.Context, st *store.Store, args idArgs, out io.Writer) error {
	leaf, err := st.Leaf(ctx, args.ID)
	if err != nil {
		return err
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

func holds(p *proof.Inclusion, c *proof.Checkpoint) string {
	return fmt.Sprintf("holds: %s is leaf %d of %d in %s, checkpoint of %s", p.Subject, p.Index, c.Size, c.Origin, c.At.Format(time.RFC3339))
}
