package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"portti/cda/codes"
	"portti/cda/organisations"
	"portti/gateway/pipeline"
	"portti/store"

	"github.com/spf13/cobra"
)

func (m *Main) orgCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "org", Short: "organisations: the national register, joined systems, contracts, registers, transfers",
		Long: "What an archive knows of organisations. Documents are held against it: whom they\n" +
			"name must be known, valid at the document's time and of the right kind, and\n" +
			"belong together. Where a gateway runs on the archive, it does the work, and what\n" +
			"changes counts at once.",
	}
	cmd.AddCommand(m.orgImport(), m.orgList(), m.orgShow(), m.orgAdd(), m.orgJoined(), m.orgRemove(), m.orgHistory(), m.orgTransfer(), m.orgMisplaced())
	for _, c := range cmd.Commands() {
		for _, x := range append(c.Commands(), c) {
			if !x.HasSubCommands() {
				x.Flags().String("data", "", "the archive's `DIR`ectory")
				m.masterFlags(x.Flags())
			}
		}
	}
	return cmd
}

// byFlag adds who makes a change, by default who is logged in.
func (m *Main) byFlag(cmd *cobra.Command, by *string) {
	who := "operator"
	for _, v := range m.Environ {
		if name, ok := strings.CutPrefix(v, "USER="); ok && name != "" {
			who = name
		}
	}
	cmd.Flags().StringVar(by, "by", who, "`WHO` makes the change; it is kept")
}

// needArchive refuses a command without a directory.
func (m *Main) needArchive() error {
	if m.config.Data == "" {
		return usage(errors.New("the archive's data directory is missing"), "add --data DIR")
	}
	return m.textOrJSON()
}

// inArchive opens the archive for a command that needs it for itself. make tells
// that one may be created.
func (m *Main) inArchive(ctx context.Context, make bool, do func(*store.Store) error) (err error) {
	if err := m.needArchive(); err != nil {
		return err
	}
	if m.archive != nil {
		return orgError(do(m.archive))
	}
	if !make && !exists(m.config.Data) {
		return usage(fmt.Errorf("no archive in %s", m.config.Data), "--data takes the data directory of an archive")
	}
	a, err := m.openArchive(ctx, m.config.Data)
	switch {
	case errors.Is(err, store.ErrOwned):
		return m.beside(ctx, system(err, storeHint(err)))
	case err != nil:
		return system(err, storeHint(err))
	}
	defer func() { err = errors.Join(err, a.Store.Close()) }()
	return orgError(do(a.Store))
}

// orgError gives an error of the store its exit code: what was asked cannot be done,
// or the archive could not do it.
func orgError(err error) error {
	var own *store.Error
	if errors.As(err, &own) {
		if own.Retry() || own.Kind == store.ErrDamaged || own.Kind == store.ErrInternal {
			return system(err, own.Hint)
		}
		return usage(err, own.Hint)
	}
	return err
}

// directory reads what the archive knows, also beside a gateway.
func (m *Main) directory(ctx context.Context) (*organisations.Directory, error) {
	if err := m.needArchive(); err != nil {
		return nil, err
	}
	var o pipeline.Organisations
	if err := o.PeekOrganisations(ctx, m.config.Data); err != nil {
		return nil, system(err, storeHint(err))
	}
	if d := o.Directory(); d != nil {
		return d, nil
	}
	return nil, usage(errors.New("nothing is known of organisations"), "portti org import, portti org add")
}

func (m *Main) orgImport() *cobra.Command {
	var from, by string
	var partial bool
	cmd := &cobra.Command{
		Use: "import [FILE…]", Short: "take in the national register of organisations (SOTE-organisaatiorekisteri)",
		Long: "Reads the register from a saved XML export of the code server, a CSV file, or all\n" +
			"pages of a REST answer, or with --from fetches it from a code server (csapi v6).\n" +
			"Earlier imports stay in the archive's history. With --partial what is not in the\n" +
			"register is a warning and no error.",
		Example: "  portti org import --data archive organisaatiorekisteri.xml\n" +
			"  portti org import --data archive --from " + codes.CodeServer,
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := m.readRegister(cmd.Context(), from, !partial, args)
		if err != nil {
			return err
		}
		content, err := r.Encode()
		if err != nil {
			return system(err, "")
		}
		return m.inArchive(cmd.Context(), true, func(st *store.Store) error {
			e := store.DirectoryEntry{Kind: store.DirectoryOrganisations, Key: organisations.RegisterOID, Content: content}
			if err := st.PutDirectory(cmd.Context(), by, e); err != nil {
				return err
			}
			if m.config.Format == "json" {
				return m.printJSON(map[string]any{"organisations": len(r.Organisations), "whole": r.Whole, "source": r.Source})
			}
			fmt.Fprintf(m.Stdout, "%s: %d organisations, %s\n", organisations.RegisterOID, len(r.Organisations), wholeWord(r.Whole))
			return nil
		})
	}
	cmd.Flags().StringVar(&from, "from", "", "`URL` of a code server's REST interface")
	cmd.Flags().BoolVar(&partial, "partial", false, "the files are a part of the register only")
	m.byFlag(cmd, &by)
	return cmd
}

func wholeWord(whole bool) string {
	if whole {
		return "whole"
	}
	return "a part"
}

func (m *Main) readRegister(ctx context.Context, from string, whole bool, files []string) (*organisations.Register, error) {
	switch {
	case from != "" && len(files) == 0:
		r, err := organisations.Fetch(ctx, &codes.REST{Client: &http.Client{Timeout: fetchTimeout}, Base: from, Now: m.Now})
		if err != nil {
			return nil, system(err, "see that the address answers; a list that changed meanwhile is fetched again")
		}
		r.Whole = whole
		return r, nil
	case from == "" && len(files) > 0:
		r, err := organisations.ImportFiles(m.Now(), whole, files...)
		if err != nil {
			return nil, usage(err, "")
		}
		return r, nil
	}
	return nil, usage(errors.New("nothing to import"), "name files, or --from URL")
}

func (m *Main) orgList() *cobra.Command {
	var under, kind string
	cmd := &cobra.Command{
		Use: "list", Args: cobra.NoArgs, Short: "organisations and units of the register",
		Example: "  portti org list --data archive --under 1.2.246.10.99999901.10.0 --kind social-service",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := m.directory(cmd.Context())
			if err != nil {
				return err
			}
			if !d.Register.Loaded() {
				return usage(errors.New("the register of organisations is not imported"), "portti org import")
			}
			w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
			for i := range d.Register.Organisations {
				o := &d.Register.Organisations[i]
				if under != "" && !d.Register.Under(o.OID, under) || kind != "" && !strings.Contains(" "+o.Kinds.String()+" ", " "+kind+" ") {
					continue
				}
				if m.config.Format == "json" {
					if err := m.printJSON(o); err != nil {
						return err
					}
					continue
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", o.OID, o.DisplayName(m.config.Lang), o.Kinds, spanOf(o.From, o.To))
			}
			return flushed(w)
		},
	}
	cmd.Flags().StringVar(&under, "under", "", "only the organisation `OID` and what is below it")
	cmd.Flags().StringVar(&kind, "kind", "", "only social-operating, social-service, health-operating or health-service")
	return cmd
}

func flushed(w *tabwriter.Writer) error {
	if err := w.Flush(); err != nil {
		return system(err, "")
	}
	return nil
}

// spanOf writes a validity: nothing where it has no bounds.
func spanOf(from, to time.Time) string {
	if from.IsZero() && to.IsZero() {
		return ""
	}
	return strings.TrimSpace(dayOf(from) + " – " + dayOf(to))
}

// orgView is an organisation with what the archive knows about it.
type orgView struct {
	organisations.Organisation
	Above     []string                           `json:"above,omitempty"`
	Below     []string                           `json:"below,omitempty"`
	Systems   []organisations.System             `json:"systems,omitempty"`
	Contracts []organisations.Contract           `json:"contracts,omitempty"`
	Registers []organisations.ControllerRegister `json:"registers,omitempty"`
}

func (m *Main) orgShow() *cobra.Command {
	return &cobra.Command{
		Use: "show OID", Args: cobra.ExactArgs(1), Short: "one organisation with its place, systems, contracts and registers",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := m.directory(cmd.Context())
			if err != nil {
				return err
			}
			v, ok := viewOf(d, args[0])
			if !ok {
				return usage(fmt.Errorf("nothing is known of %s", args[0]), "portti org list")
			}
			if m.config.Format == "json" {
				return m.printJSON(v)
			}
			m.printView(d, &v)
			return nil
		},
	}
}

// viewOf gathers what is known of an organisation; ok is false where nothing is.
func viewOf(d *organisations.Directory, oid string) (v orgView, ok bool) {
	if o := d.Register.Lookup(oid); o != nil {
		v.Organisation, ok = *o, true
		for _, a := range d.Register.Above(oid)[1:] {
			v.Above = append(v.Above, a.OID)
		}
		for _, c := range d.Register.Children(oid) {
			v.Below = append(v.Below, c.OID)
		}
	}
	v.OID = oid
	for _, s := range d.Systems {
		if s.Serves(oid) {
			v.Systems = append(v.Systems, s)
		}
	}
	for _, k := range d.Contracts {
		if k.Organiser == oid || k.Provider == oid {
			v.Contracts = append(v.Contracts, k)
		}
	}
	for _, r := range d.Registers {
		if r.Controller == oid || r.Predecessor == oid {
			v.Registers = append(v.Registers, r)
		}
	}
	return v, ok || len(v.Systems)+len(v.Contracts)+len(v.Registers) > 0
}

func (m *Main) printView(d *organisations.Directory, v *orgView) {
	w := orgWords[m.config.Lang]
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(m.Stdout, "  %s: %s\n", w[name], value)
		}
	}
	named := func(oid string) string {
		if o := d.Register.Lookup(oid); o != nil {
			return oid + " " + o.DisplayName(m.config.Lang)
		}
		return oid
	}
	fmt.Fprintf(m.Stdout, "%s %s\n", v.OID, v.DisplayName(m.config.Lang))
	var kinds []string
	for _, k := range strings.Fields(v.Kinds.String()) {
		kinds = append(kinds, w[k])
	}
	line("kinds", strings.Join(kinds, ", "))
	line("sector", w[string(v.Sector)])
	line("business", v.BusinessID)
	line("municipality", v.Municipality)
	line("valid", spanOf(v.From, v.To))
	for _, o := range v.Above {
		line("above", named(o))
	}
	for _, o := range v.Below {
		line("below", named(o))
	}
	for i := range v.Systems {
		line("system", systemText(&v.Systems[i]))
	}
	for _, k := range v.Contracts {
		line("contract", strings.TrimSpace(k.ID+" "+k.Organiser+" – "+k.Provider+" "+spanOf(k.From, k.To)))
	}
	for _, r := range v.Registers {
		line("register", registerText(&r))
	}
}

func systemText(s *organisations.System) string {
	return strings.Join(strings.Fields(strings.Join([]string{s.ID, s.Name, s.Version, string(s.Class), string(s.Profile), string(s.Model), spanOf(s.From, s.To)}, " ")), " ")
}

func registerText(r *organisations.ControllerRegister) string {
	return strings.Join(strings.Fields(strings.Join([]string{r.ID, r.Code, r.Name, string(r.Kind), r.Predecessor, spanOf(r.From, r.To)}, " ")), " ")
}

// orgWords are the words of printView by language.
var orgWords = map[string]map[string]string{
	"fi": {"kinds": "laji", "sector": "sektori", "business": "y-tunnus", "municipality": "kunta", "valid": "voimassa", "above": "yläpuolella",
		"below": "alapuolella", "system": "järjestelmä", "contract": "sopimus", "register": "rekisteri",
		"social-operating": "sosiaalihuollon toimintayksikkö", "social-service": "sosiaalihuollon palveluyksikkö",
		"health-operating": "terveydenhuollon toimintayksikkö", "health-service": "terveydenhuollon palveluyksikkö",
		"public": "julkinen", "private": "yksityinen", "self-reported": "yksityinen, itse ilmoitettu"},
	"sv": {"kinds": "slag", "sector": "sektor", "business": "FO-nummer", "municipality": "kommun", "valid": "gäller", "above": "ovanför",
		"below": "nedanför", "system": "system", "contract": "avtal", "register": "register",
		"social-operating": "verksamhetsenhet inom socialvården", "social-service": "serviceenhet inom socialvården",
		"health-operating": "verksamhetsenhet inom hälso- och sjukvården", "health-service": "serviceenhet inom hälso- och sjukvården",
		"public": "offentlig", "private": "privat", "self-reported": "privat, egen anmälan"},
	"en": {"kinds": "kinds", "sector": "sector", "business": "business id", "municipality": "municipality", "valid": "valid", "above": "above",
		"below": "below", "system": "system", "contract": "contract", "register": "register",
		"social-operating": "operating unit of social welfare", "social-service": "service unit of social welfare",
		"health-operating": "operating unit of health care", "health-service": "service unit of health care",
		"public": "public", "private": "private", "self-reported": "private, self-reported"},
}

func (m *Main) orgAdd() *cobra.Command {
	var by string
	var configured bool
	cmd := &cobra.Command{
		Use: "add [FILE]", Args: cobra.MaximumNArgs(1), Short: "take in joined systems, contracts and registers from a YAML file",
		Long: "The file has the keys systems, contracts and registers, each a list of entries\n" +
			"with an id. An entry whose id is known takes the place of the one before, which\n" +
			"stays in the history. With --configured the systems of the configuration (-C) are\n" +
			"taken in; until then they count beside those of the archive.",
		Example: "  portti org add --data archive joined.yaml\n" +
			"  portti org add --data archive -C portti.yaml --configured",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		j, err := m.readJoined(configured, args)
		if err != nil {
			return err
		}
		entries, err := entriesOf(&j)
		if err != nil {
			return system(err, "")
		}
		return m.inArchive(cmd.Context(), true, func(st *store.Store) error {
			if err := st.PutDirectory(cmd.Context(), by, entries...); err != nil {
				return err
			}
			if m.config.Format == "json" {
				return m.printJSON(map[string]any{"systems": len(j.Systems), "contracts": len(j.Contracts), "registers": len(j.Registers)})
			}
			fmt.Fprintf(m.Stdout, "%d systems, %d contracts, %d registers\n", len(j.Systems), len(j.Contracts), len(j.Registers))
			return nil
		})
	}
	cmd.Flags().BoolVar(&configured, "configured", false, "take in the systems of the configuration")
	m.byFlag(cmd, &by)
	return cmd
}

// readJoined reads a file, or what the configuration has of joined systems.
func (m *Main) readJoined(configured bool, files []string) (j organisations.Joined, err error) {
	if configured == (len(files) == 1) {
		return j, usage(errors.New("a file, or --configured"), "portti org add --data DIR FILE")
	}
	if configured {
		j.Systems = m.config.systems()
		for i := range j.Systems {
			if s := &j.Systems[i]; s.ID == "" {
				s.ID = s.Organisation
			}
		}
		if len(j.Systems) == 0 {
			return j, usage(errors.New("the configuration has no systems"), "name its file with -C")
		}
		return j, nil
	}
	src, err := os.ReadFile(files[0])
	if err != nil {
		return j, usage(err, "")
	}
	if j, err = organisations.ParseJoined(src); err != nil {
		return j, usage(err, "systems, contracts and registers, each a list of entries with an id")
	}
	return j, nil
}

// entriesOf gives the store's entries of joined systems, contracts and registers.
func entriesOf(j *organisations.Joined) (out []store.DirectoryEntry, err error) {
	add := func(kind, key string, entry any) {
		content, e := organisations.Encode(entry)
		err = errors.Join(err, e)
		out = append(out, store.DirectoryEntry{Kind: kind, Key: key, Content: content})
	}
	for i := range j.Systems {
		add(store.DirectorySystem, j.Systems[i].ID, &j.Systems[i])
	}
	for i := range j.Contracts {
		add(store.DirectoryContract, j.Contracts[i].ID, &j.Contracts[i])
	}
	for i := range j.Registers {
		add(store.DirectoryRegister, j.Registers[i].ID, &j.Registers[i])
	}
	return out, err
}

func (m *Main) orgJoined() *cobra.Command {
	return &cobra.Command{
		Use: "joined", Args: cobra.NoArgs, Short: "joined systems, contracts and registers of controllers",
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := m.directory(cmd.Context())
			if err != nil {
				return err
			}
			if m.config.Format == "json" {
				return m.printJSON(map[string]any{"systems": d.Systems, "contracts": d.Contracts, "registers": d.Registers})
			}
			w := tabwriter.NewWriter(m.Stdout, 0, 0, 2, ' ', 0)
			for i := range d.Systems {
				s := &d.Systems[i]
				fmt.Fprintf(w, "system\t%s\t%s\t%s\n", s.ID, s.Organisation, strings.TrimSpace(strings.TrimPrefix(systemText(s), s.ID)))
			}
			for _, k := range d.Contracts {
				fmt.Fprintf(w, "contract\t%s\t%s\t%s %s\n", k.ID, k.Organiser, k.Provider, spanOf(k.From, k.To))
			}
			for i := range d.Registers {
				r := &d.Registers[i]
				fmt.Fprintf(w, "register\t%s\t%s\t%s\n", r.ID, r.Controller, strings.TrimSpace(strings.TrimPrefix(registerText(r), r.ID)))
			}
			return flushed(w)
		},
	}
}

func (m *Main) orgRemove() *cobra.Command {
	var by string
	cmd := &cobra.Command{
		Use: "remove system|contract|register ID", Args: cobra.ExactArgs(2), Short: "take an entry out of force; its history stays",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] == store.DirectoryOrganisations {
			return usage(errors.New("the register of organisations is not removed"), "import it anew: portti org import")
		}
		return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
			return st.PutDirectory(cmd.Context(), by, store.DirectoryEntry{Kind: args[0], Key: args[1], Removed: true})
		})
	}
	m.byFlag(cmd, &by)
	return cmd
}

func (m *Main) orgHistory() *cobra.Command {
	return &cobra.Command{
		Use: "history organisations|system|contract|register [ID]", Args: cobra.RangeArgs(1, 2), Short: "who changed an entry when, newest first",
		RunE: func(cmd *cobra.Command, args []string) error {
			key := organisations.RegisterOID
			if len(args) == 2 {
				key = args[1]
			}
			return m.inArchive(cmd.Context(), false, func(st *store.Store) error {
				h, err := st.DirectoryHistory(cmd.Context(), args[0], key)
				if err != nil {
					return err
				}
				for _, e := range h {
					state := "changed"
					if e.Removed {
						state = "removed"
					}
					if m.config.Format == "json" {
						err = m.printJSON(map[string]any{"at": e.At, "by": e.By, "state": state, "bytes": len(e.Content)})
					} else {
						_, err = fmt.Fprintf(m.Stdout, "%s %s by %s, %d octets\n", e.At.Format(time.RFC3339), state, e.By, len(e.Content))
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}
