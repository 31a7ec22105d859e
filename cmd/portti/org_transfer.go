package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"portti/gateway/pipeline"
	"portti/store"

	"github.com/spf13/cobra"
)

// upkeep is the scope of the archive's own commands.
var upkeep = store.Scope{All: true, Purpose: "upkeep"}

func (m *Main) orgTransfer() *cobra.Command {
	cmd := &cobra.Command{
		Use: "transfer", Short: "change the controller of archived documents, in two steps",
		Long: "A change of organisation (business id, merger, sale, end) changes the present\n" +
			"controller of documents. plan tells how many would change and changes nothing;\n" +
			"apply carries the plan out, unless other documents than the plan's would change\n" +
			"by now. Originals stay as they came; both controllers' logs and the history tell\n" +
			"of it. It can be undone only by another transfer.",
	}
	cmd.AddCommand(m.transferPlan(), m.transferApply(), m.transferDrop(), m.transferList())
	return cmd
}

func (m *Main) transferPlan() *cobra.Command {
	p := store.TransferPlan{Kind: store.ControllerChange}
	cmd := &cobra.Command{
		Use: "plan --from OID --to OID --reason TEXT", Args: cobra.NoArgs, Short: "record a plan and tell what it would change",
		Example: "  portti org transfer plan --data archive --from 1.2.246.10.99999901.10.0 --to 1.2.246.10.99999911.10.0 --reason yhdistyminen",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
				x, err := st.PlanTransfer(cmd.Context(), p)
				if err != nil {
					return err
				}
				return m.printTransfer(&x)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&p.FromController, "from", "", "the present controller's `OID`")
	f.StringVar(&p.ToController, "to", "", "the new controller's `OID`")
	f.StringVar(&p.FromRegister, "register", "", "only its register with this `CODE` (1264)")
	f.StringVar(&p.ToRegister, "to-register", "", "the new register's `CODE`, if another")
	f.StringVar(&p.Reason, "reason", "", "`TEXT`: why")
	f.StringVar(&p.Ground, "ground", "", "`TEXT`: by which decision")
	m.byFlag(cmd, &p.By)
	return cmd
}

// numbered gives a command over a transfer named by its number.
func (m *Main) numbered(use, short string, do func(ctx context.Context, st *store.Store, id int64, by string) error) *cobra.Command {
	var by string
	cmd := &cobra.Command{Use: use + " NUMBER", Args: cobra.ExactArgs(1), Short: short}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return usage(fmt.Errorf("%q is not a plan's number", args[0]), "portti org transfer list")
		}
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error { return do(cmd.Context(), st, id, by) })
	}
	m.byFlag(cmd, &by)
	return cmd
}

func (m *Main) transferApply() *cobra.Command {
	return m.numbered("apply", "carry a plan out; one that was interrupted is gone on with", func(ctx context.Context, st *store.Store, id int64, by string) error {
		x, err := st.ApplyTransfer(ctx, id, by)
		if err != nil {
			return err
		}
		return m.printTransfer(&x)
	})
}

func (m *Main) transferDrop() *cobra.Command {
	return m.numbered("drop", "take back a plan that has not begun", func(ctx context.Context, st *store.Store, id int64, by string) error {
		return st.DropTransfer(ctx, id, by)
	})
}

func (m *Main) transferList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "transfers, newest first",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
				xs, err := st.Transfers(cmd.Context(), upkeep)
				for i := range xs {
					err = errors.Join(err, m.printTransfer(&xs[i]))
				}
				return err
			})
		},
	}
}

func (m *Main) printTransfer(x *store.Transfer) error {
	if m.config.Format == "json" {
		return m.printJSON(map[string]any{"number": x.ID, "kind": x.Kind, "state": x.State, "from": x.FromController, "fromRegister": x.FromRegister,
			"to": x.ToController, "toRegister": x.ToRegister, "series": x.Count, "moved": x.Moved, "reason": x.Reason, "ground": x.Ground,
			"by": x.By, "planned": x.PlannedAt, "changed": x.Changed})
	}
	from, to := strings.TrimSpace(x.FromController+" "+x.FromRegister), strings.TrimSpace(x.ToController+" "+x.ToRegister)
	_, err := fmt.Fprintf(m.Stdout, "%d %s %s: %s → %s, %d of %d series (%s)\n", x.ID, x.Kind, x.State, from, to, x.Moved, x.Count, x.Reason)
	return err
}

func (m *Main) orgMisplaced() *cobra.Command {
	cmd := &cobra.Command{
		Use: "misplaced", Short: "documents that stand in the wrong register: find, list, report, clear, move",
		Long: "A document stored into the wrong register is a suspected data breach. find holds\n" +
			"every series against what the archive knows of organisations, and with --flag\n" +
			"records what it finds; list tells what is open; report, clear and move record what\n" +
			"was done about it. Documents are named by the id of their series' first version.",
	}
	cmd.AddCommand(m.misplacedFind(), m.misplacedList(), m.flagged("report", "record that it was reported as a data breach", store.Reported),
		m.flagged("clear", "record that the register is right", store.Cleared), m.misplacedMove())
	return cmd
}

func (m *Main) misplacedFind() *cobra.Command {
	var flag bool
	var by string
	cmd := &cobra.Command{Use: "find", Args: cobra.NoArgs, Short: "hold every series against the register, contracts and systems; exit code 1 where any misfits"}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
			found, err := m.findMisplaced(cmd.Context(), st)
			if err != nil {
				return err
			}
			for _, f := range found {
				if flag {
					if _, err := st.Flag(cmd.Context(), store.Flag{SetID: f.SetID, State: store.Suspected, Rule: f.Rule, By: by}); err != nil {
						return err
					}
				}
				if err := m.printMisplaced(f.SetID, f.Newest, f.Controller, "found", f.Rule, f.Arrived); err != nil {
					return err
				}
			}
			if len(found) > 0 {
				return errInvalid
			}
			return nil
		})
	}
	cmd.Flags().BoolVar(&flag, "flag", false, "record what is found as suspected")
	m.byFlag(cmd, &by)
	return cmd
}

// misplaced is a series that does not fit, with the rule that says why.
type misplaced struct {
	store.SeriesFacts
	Rule string
}

func (m *Main) findMisplaced(ctx context.Context, st *store.Store) (out []misplaced, err error) {
	var known pipeline.Organisations
	if err := known.LoadOrganisations(ctx, st); err != nil {
		return nil, err
	}
	d := known.Directory()
	if d == nil {
		return nil, usage(errors.New("nothing is known of organisations"), "portti org import, portti org add")
	}
	cleared, err := clearedRules(ctx, st)
	if err != nil {
		return nil, err
	}
	err = st.EachSeries(ctx, upkeep, func(f store.SeriesFacts) error {
		if rule := pipeline.Misplaced(d, &f); rule != "" && cleared[f.SetID] != rule {
			out = append(out, misplaced{f, rule})
		}
		return nil
	})
	return out, err
}

// clearedRules gives for each series that was cleared the rule of which it was.
func clearedRules(ctx context.Context, st *store.Store) (map[string]string, error) {
	fs, err := st.Flags(ctx, upkeep, true)
	out, seen := map[string]string{}, map[string]bool{}
	for _, f := range fs { // the newest first
		if !seen[f.SetID] && f.State == store.Cleared {
			out[f.SetID] = f.Rule
		}
		seen[f.SetID] = true
	}
	return out, err
}

func (m *Main) printMisplaced(setID, document, controller, state, rule string, at time.Time) error {
	if m.config.Format == "json" {
		return m.printJSON(map[string]any{"series": setID, "document": document, "controller": controller, "state": state, "rule": rule, "at": at})
	}
	_, err := fmt.Fprintf(m.Stdout, "%s %s: %s, document %s of controller %s\n", setID, state, rule, document, controller)
	return err
}

func (m *Main) misplacedList() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "suspicions about which something is still to be done",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
				fs, err := st.Flags(cmd.Context(), upkeep, all)
				for _, f := range fs {
					err = errors.Join(err, m.printMisplaced(f.SetID, f.Document, f.Controller, string(f.State), f.Rule, f.At))
				}
				return err
			})
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every state there was, newest first")
	return cmd
}

// flagged gives a command that records a state of suspicions.
func (m *Main) flagged(use, short string, state store.FlagState) *cobra.Command {
	var by, reason string
	cmd := &cobra.Command{Use: use + " SERIES…", Args: cobra.MinimumNArgs(1), Short: short}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
			for _, setID := range args {
				if _, err := st.Flag(cmd.Context(), store.Flag{SetID: setID, State: state, Reason: reason, By: by}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT`: why")
	m.byFlag(cmd, &by)
	return cmd
}

func (m *Main) misplacedMove() *cobra.Command {
	p := store.TransferPlan{Kind: store.Correction}
	cmd := &cobra.Command{
		Use: "move --from OID --to OID --reason TEXT SERIES…", Args: cobra.MinimumNArgs(1),
		Short: "put series into the right controller's register; each is logged for both controllers",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p.Series = args
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
			x, err := st.PlanTransfer(cmd.Context(), p)
			if err == nil {
				x, err = st.ApplyTransfer(cmd.Context(), x.ID, p.By)
			}
			if err != nil {
				return err
			}
			return m.printTransfer(&x)
		})
	}
	f := cmd.Flags()
	f.StringVar(&p.FromController, "from", "", "the controller's `OID` in whose register they stand")
	f.StringVar(&p.ToController, "to", "", "the right controller's `OID`")
	f.StringVar(&p.FromRegister, "register", "", "the register's `CODE` that they stand in")
	f.StringVar(&p.ToRegister, "to-register", "", "the right register's `CODE`, if another")
	f.StringVar(&p.Reason, "reason", "", "`TEXT`: why")
	f.StringVar(&p.Ground, "ground", "", "`TEXT`: by which decision")
	m.byFlag(cmd, &p.By)
	return cmd
}
