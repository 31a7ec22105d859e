package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"portti/cda/sosmeta"
	"portti/gateway/pipeline"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// dataFlag is the data directory whose imports a command reads or adds to.
func dataFlag(f *pflag.FlagSet) {
	f.String("data", "", "data `DIR`ectory of the archive; without it the shipped ones")
}

// textOrJSON refuses the formats of reports.
func (m *Main) textOrJSON() error {
	if m.config.Format != "text" && m.config.Format != "json" {
		return usage(fmt.Errorf("this is not written as %s", m.config.Format), "use --format text or json")
	}
	return nil
}

// needData refuses an import without a place to put it.
func (m *Main) needData() error {
	if m.config.Data == "" {
		return usage(errors.New("an import needs the archive's data directory"), "add --data DIR")
	}
	return nil
}

func (m *Main) sosmetaCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sosmeta", Short: "document structures: import, list, show"}
	imp := &cobra.Command{
		Use: "import DIR|ZIP", Args: cobra.ExactArgs(1), Short: "take in the JSON Schemas of document structures",
		Long: "Reads THL's JSON Schemas (draft-07) from a folder or ZIP and keeps their facts in\n" +
			"the data directory, beside earlier ones: several versions are valid side by side.",
		Example: "  portti sosmeta import --data archive sosmeta-schemas.zip",
		RunE:    func(_ *cobra.Command, args []string) error { return m.importStructures(args[0]) },
	}
	list := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "every structure that is known",
		RunE: func(*cobra.Command, []string) error { return m.listStructures() },
	}
	show := &cobra.Command{
		Use: "show OID|CODE", Args: cobra.ExactArgs(1), Short: "a structure as a tree",
		Example: "  portti sosmeta show 15007 --lang fi\n  portti sosmeta show 1.2.246.537.6.1506.15007.2024.11.28 --format json",
		RunE:    func(_ *cobra.Command, args []string) error { return m.showStructure(args[0]) },
	}
	for _, c := range []*cobra.Command{imp, list, show} {
		dataFlag(c.Flags())
		cmd.AddCommand(c)
	}
	return cmd
}

func (m *Main) importStructures(name string) error {
	if err := errors.Join(m.textOrJSON(), m.needData()); err != nil {
		return err
	}
	t, err := sosmeta.Import(name)
	if err != nil {
		return usage(err, "")
	}
	if t.Date == "" {
		t.Date = m.Now().UTC().Format(time.DateOnly)
	}
	file, err := t.Save(pipeline.StructuresDir(m.config.Data))
	if err != nil {
		return system(err, "")
	}
	if m.config.Format == "json" {
		return m.printJSON(map[string]any{"structures": len(t.Structures), "file": file})
	}
	fmt.Fprintf(m.Stdout, "%d structures → %s\n", len(t.Structures), file)
	return nil
}

func (m *Main) structures() (*sosmeta.Set, error) {
	if m.config.Data == "" {
		return sosmeta.Default(), nil
	}
	set, err := sosmeta.Open(pipeline.StructuresDir(m.config.Data))
	if err != nil {
		return nil, usage(err, "")
	}
	return set, nil
}

func (m *Main) listStructures() error {
	if err := m.textOrJSON(); err != nil {
		return err
	}
	set, err := m.structures()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
	for _, s := range set.List() {
		if m.config.Format == "json" {
			if err := m.printJSON(headOf(s)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s\n", s.OID, titleOf(s, m.config.Lang))
	}
	if err := w.Flush(); err != nil {
		return system(err, "")
	}
	return nil
}

func titleOf(s *sosmeta.Structure, lang string) string {
	if lang == "sv" && s.TitleSV != "" {
		return s.TitleSV
	}
	return s.TitleFI
}

// structureHead is a structure without its fields, in JSON.
type structureHead struct {
	OID     string `json:"oid"`
	FI      string `json:"fi"`
	SV      string `json:"sv,omitempty"`
	Type    string `json:"type,omitempty"`
	From    string `json:"validFrom,omitempty"`
	To      string `json:"validTo,omitempty"`
	Library string `json:"library,omitempty"`
	Status  string `json:"status,omitempty"`
}

func headOf(s *sosmeta.Structure) structureHead {
	return structureHead{s.OID, s.TitleFI, s.TitleSV, s.Type, dayOf(s.ValidFrom), dayOf(s.ValidTo), s.Library, s.Status}
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// structureField is one field of a structure, in JSON.
type structureField struct {
	Key            string           `json:"key"`
	FI             string           `json:"fi,omitempty"`
	SV             string           `json:"sv,omitempty"`
	Representation string           `json:"representation,omitempty"`
	Obligation     string           `json:"obligation"`
	Repeats        bool             `json:"repeats,omitempty"`
	System         string           `json:"system,omitempty"`
	Accepted       []string         `json:"accepted,omitempty"`
	LeafOnly       bool             `json:"leafOnly,omitempty"`
	Fields         []structureField `json:"fields,omitempty"`
}

var obligationWords = map[sosmeta.Obligation]string{
	sosmeta.Optional: "optional", sosmeta.Required: "required", sosmeta.Conditional: "conditional",
}

func fieldsOf(f *sosmeta.Field) []structureField {
	var out []structureField
	for _, c := range f.Fields {
		s := structureField{Key: c.Key, FI: c.FI, SV: c.SV, Representation: string(c.Representation),
			Obligation: obligationWords[c.Obligation], Repeats: c.Repeats, System: c.System, Accepted: c.Accepted, LeafOnly: c.LeafOnly}
		if c.Representation != sosmeta.Coded && c.Representation != sosmeta.Identifier {
			s.Fields = fieldsOf(c)
		}
		out = append(out, s)
	}
	return out
}

func (m *Main) showStructure(id string) error {
	if err := m.textOrJSON(); err != nil {
		return err
	}
	set, err := m.structures()
	if err != nil {
		return err
	}
	if m.config.Format == "text" {
		if err := set.Show(m.Stdout, id, m.config.Lang); err != nil {
			return usage(err, "")
		}
		return nil
	}
	s, err := set.Find(id)
	if err != nil {
		return usage(err, "")
	}
	return m.printJSON(struct {
		structureHead
		Fields []structureField `json:"fields"`
	}{headOf(s), fieldsOf(s.Root())})
}
