package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"text/tabwriter"

	"portti/cda/rules/catalogue"

	"github.com/spf13/cobra"
)

// version is the release; commit is set by the linker (see Makefile).
const version = "0.1.0"

var commit string

// versionInfo is the JSON output of version.
type versionInfo struct {
	Version   string            `json:"version"`
	Commit    string            `json:"commit,omitempty"`
	Go        string            `json:"go"`
	Profiles  []string          `json:"profiles"`
	Rules     int               `json:"rules"`
	Libraries map[string]string `json:"libraries"`
}

func (m *Main) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "version, commit, libraries, profiles", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := versions()
			if m.config.Format == "json" {
				return m.printJSON(v)
			}
			fmt.Fprintf(m.Stdout, "portti %s %s (%s)\nprofiles: strict, lenient; %d rules\n", v.Version, v.Commit, v.Go, v.Rules)
			w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
			names := make([]string, 0, len(v.Libraries))
			for n := range v.Libraries {
				names = append(names, n)
			}
			slices.Sort(names)
			for _, n := range names {
				fmt.Fprintf(w, "%s\t%s\n", n, v.Libraries[n])
			}
			return w.Flush()
		},
	}
}

func versions() versionInfo {
	v := versionInfo{
		Version: version, Commit: commit, Go: runtime.Version(),
		Profiles: []string{string(catalogue.Strict), string(catalogue.Lenient)},
		Rules:    len(catalogue.Default().IDs()), Libraries: map[string]string{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, d := range info.Deps {
		v.Libraries[d.Path] = d.Version
	}
	return v
}

func (m *Main) printJSON(v any) error {
	enc := json.NewEncoder(m.Stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return system(err, "")
	}
	return nil
}
