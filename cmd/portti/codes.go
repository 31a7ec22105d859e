package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"portti/cda/codes"
	"portti/gateway/pipeline"

	"github.com/spf13/cobra"
)

// fetchTimeout bounds one request to a code server.
const fetchTimeout = time.Minute

func (m *Main) codesCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "codes", Short: "code systems: import, list, show"}
	var oid, from string
	imp := &cobra.Command{
		Use: "import [FILE…]", Short: "take in code systems of the national code server",
		Long: "Reads saved XML exports, CSV files or the pages of a REST answer, or with --from\n" +
			"fetches a code system from a code server (csapi v6), and keeps it in the data\n" +
			"directory. A code that is not in a list so loaded is an error from then on.",
		Example: "  portti codes import --data archive palvelutehtava.xml\n" +
			"  portti codes import --data archive --oid 1.2.246.537.6.1221.201601 --from " + codes.CodeServer,
		RunE: func(cmd *cobra.Command, args []string) error { return m.importCodes(cmd, oid, from, args) },
	}
	imp.Flags().StringVar(&oid, "oid", "", "the code system's `OID`, where the files do not tell, or to fetch")
	imp.Flags().StringVar(&from, "from", "", "`URL` of a code server's REST interface")
	list := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "every code system that is known",
		RunE: func(*cobra.Command, []string) error { return m.listCodes() },
	}
	show := &cobra.Command{
		Use: "show OID", Args: cobra.ExactArgs(1), Short: "a code system as a tree", Example: "  portti codes show 1.2.246.537.6.1221 --lang sv",
		RunE: func(_ *cobra.Command, args []string) error { return m.showCodes(args[0]) },
	}
	for _, c := range []*cobra.Command{imp, list, show} {
		dataFlag(c.Flags())
		cmd.AddCommand(c)
	}
	return cmd
}

func (m *Main) importCodes(cmd *cobra.Command, oid, from string, files []string) error {
	if err := errors.Join(m.textOrJSON(), m.needData()); err != nil {
		return err
	}
	lists, err := m.readLists(cmd, oid, from, files)
	if err != nil {
		return err
	}
	for _, l := range lists {
		file, err := l.Save(pipeline.CodesDir(m.config.Data))
		if err != nil {
			return system(err, "")
		}
		if m.config.Format == "json" {
			if err := m.printJSON(map[string]any{"oid": l.OID(), "name": l.Name, "codes": len(l.Codes), "file": file}); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(m.Stdout, "%s %s: %d codes → %s\n", l.OID(), l.Name, len(l.Codes), file)
	}
	return nil
}

func (m *Main) readLists(cmd *cobra.Command, oid, from string, files []string) ([]*codes.List, error) {
	switch {
	case from != "" && oid != "" && len(files) == 0:
		r := codes.REST{Client: &http.Client{Timeout: fetchTimeout}, Base: from, Now: m.Now}
		l, err := r.Fetch(cmd.Context(), oid)
		if err != nil {
			return nil, system(err, "see that the address answers; a list that changed meanwhile is fetched again")
		}
		return []*codes.List{l}, nil
	case from == "" && len(files) > 0:
		lists, err := codes.ImportFiles(oid, m.Now(), files...)
		if err != nil {
			return nil, usage(err, "")
		}
		return lists, nil
	}
	return nil, usage(errors.New("nothing to import"), "name files, or --from URL --oid OID")
}

func (m *Main) codeSet() (*codes.Set, error) {
	if m.config.Data == "" {
		return codes.Default(), nil
	}
	set, err := codes.Open(pipeline.CodesDir(m.config.Data))
	if err != nil {
		return nil, usage(err, "")
	}
	return set, nil
}

func (m *Main) listCodes() error {
	if err := m.textOrJSON(); err != nil {
		return err
	}
	set, err := m.codeSet()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
	for _, system := range set.Systems() {
		for _, l := range set.Lists(system) {
			if m.config.Format == "json" {
				if err := m.printJSON(listHead(l)); err != nil {
					return err
				}
				continue
			}
			state := "open"
			if l.Loaded {
				state = "whole, " + dayOf(l.Imported)
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", l.OID(), l.Name, len(l.Codes), state)
		}
	}
	if err := w.Flush(); err != nil {
		return system(err, "")
	}
	return nil
}

func listHead(l *codes.List) map[string]any {
	return map[string]any{"oid": l.OID(), "name": l.Name, "codes": len(l.Codes), "whole": l.Loaded,
		"imported": dayOf(l.Imported), "source": l.Source}
}

func (m *Main) showCodes(oid string) error {
	if err := m.textOrJSON(); err != nil {
		return err
	}
	set, err := m.codeSet()
	if err != nil {
		return err
	}
	if m.config.Format == "text" {
		if err := set.Show(m.Stdout, oid, m.config.Lang); err != nil {
			return usage(err, "")
		}
		return nil
	}
	base, version, known, _ := set.Split(oid)
	if !known {
		return usage(fmt.Errorf("no code system %q", oid), "portti codes list")
	}
	for _, l := range set.Lists(base) {
		if version == "" || strings.EqualFold(l.Version, version) {
			return m.printJSON(l)
		}
	}
	return m.printJSON(set.Lists(base)[0])
}
