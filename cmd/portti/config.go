package main

import (
	"fmt"
	"slices"
	"strings"

	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/gateway"
	"portti/gateway/pipeline"

	koanfyaml "github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/providers/structs"
	"github.com/knadh/koanf/v2"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// config is everything that can be configured. A value comes from, in rising
// order: its default, the file of -C, the environment (PORTTI_LISTEN,
// PORTTI_TLS__CLIENT_CA: two underscores go one level down), a flag.
type config struct {
	Format  string `koanf:"format"`
	Lang    string `koanf:"lang"`
	Profile string `koanf:"profile"`
	World   string `koanf:"world"`

	// MasterKey is a file, MasterKeyCommand a command that gives the archive's master key;
	// Encryption is on or off and counts when an archive is made.
	MasterKey        string `koanf:"master_key"`
	MasterKeyCommand string `koanf:"master_key_command"`
	Encryption       string `koanf:"encryption"`
	// TimestampURL is a time-stamp authority that checkpoints are stamped by, every
	// TimestampEvery; its certificate must lead to one of TimestampTrust.
	TimestampURL   string `koanf:"timestamp_url"`
	TimestampTrust string `koanf:"timestamp_trust"`
	TimestampEvery string `koanf:"timestamp_every"`
	// ReplayList is the file that is told of what a restore must do again.
	ReplayList string `koanf:"replay_list"`

	// Data is the archive's directory; Listen, TLSListen and Admin are addresses.
	Data      string `koanf:"data"`
	Listen    string `koanf:"listen"`
	TLSListen string `koanf:"tls_listen"`
	Admin     string `koanf:"admin"`
	TLS       struct {
		Certificate string `koanf:"certificate"`
		Key         string `koanf:"key"`
		ClientCA    string `koanf:"client_ca"`
		Clients     string `koanf:"clients"`
	} `koanf:"tls"`

	// Trust is a PEM file or folder of CA certificates; Pinned of signers that are
	// trusted by themselves.
	Trust  string `koanf:"trust"`
	Pinned string `koanf:"pinned"`
	// What trust in signers rests on: the CA certificates that issue for systems and
	// for professionals (default any of Trust), policies that certificates must assert
	// (OIDs with commas between), how much clocks may differ, and how revocation is
	// learned; see trust.go and the flags. Systems are the joined ones.
	TrustSystem          string         `koanf:"trust_system"`
	TrustProfessional    string         `koanf:"trust_professional"`
	Revocation           string         `koanf:"revocation"`
	CRL                  string         `koanf:"crl"`
	RevocationFetch      string         `koanf:"revocation_fetch"`
	RevocationAllow      string         `koanf:"revocation_allow"`
	OCSPNonce            string         `koanf:"ocsp_nonce"`
	TrustWatch           string         `koanf:"trust_watch"`
	TrustSkew            string         `koanf:"trust_skew"`
	PoliciesSystem       string         `koanf:"trust_policies_system"`
	PoliciesProfessional string         `koanf:"trust_policies_professional"`
	Systems              []systemConfig `koanf:"systems"`

	// Assumptions is on or off: whether local assumptions count where no source
	// tells (portti errors --assumptions lists them).
	Assumptions string `koanf:"assumptions"`
	// Obligations and Interactions are files that override them: rows in the form of
	// cda/rules/data/obligations.yaml, entries in that of
	// cda/frame/interactions/data/interactions.yaml.
	Obligations  string `koanf:"obligations"`
	Interactions string `koanf:"interactions"`
	// Phrases is any or exact: whether another text in the place of a structure's
	// fixed phrase is remarked or refused.
	Phrases string `koanf:"phrases"`
	// Phase1Until is the last day, or moment, at which new documents of phase I are
	// taken (DOC-2); empty is the world's own: no end in the test world.
	Phase1Until string `koanf:"phase1_until"`

	// Archivists may log in to the archivist's pages by card.
	Archivists []archivistConfig `koanf:"archivists"`
	// OIDC is their login by OpenID Connect with mandates; SecretFile holds the secret.
	OIDC struct {
		Issuer     string `koanf:"issuer"`
		Client     string `koanf:"client"`
		SecretFile string `koanf:"secret_file"`
		Redirect   string `koanf:"redirect"`
		Mandates   string `koanf:"mandates"`
	} `koanf:"oidc"`
	// ArchiveSignature is when the archive signs documents itself: off, store or
	// return; ArchiveKey and ArchiveCertificate are PEM files.
	ArchiveSignature   string `koanf:"archive_signature"`
	ArchiveKey         string `koanf:"archive_key"`
	ArchiveCertificate string `koanf:"archive_certificate"`
	// Observe lets client systems be led through joint-test cases; see the admin
	// listener's /conformance/.
	Observe bool `koanf:"observe"`

	// AccessSettings is a file of choices about registry-use rights, see access.Settings.
	AccessSettings string `koanf:"access_settings"`

	// UsageRules is a file of own rules of active monitoring (LOG-6), in the form of
	// gateway/logs/data/rules.yaml: for the archivist's pages and portti log report.
	UsageRules string `koanf:"usage_rules"`

	// AcceptHealth archives health documents in the test world.
	AcceptHealth bool `koanf:"accept_health"`
	// RequireAddressing refuses messages without WS-Addressing headers.
	RequireAddressing bool `koanf:"require_addressing"`
	// Root is the OID under which acknowledgements get their ids, Owner the
	// organisation whose messages those without client certificate are.
	Root  string `koanf:"root"`
	Owner string `koanf:"owner"`
	// Document and InFlight are limits in bytes.
	Document int64 `koanf:"document_limit"`
	InFlight int64 `koanf:"in_flight_limit"`
}

// defaults: loopback, test world, strict, 20 MB.
func defaults() config {
	c := config{
		Format: "text", Lang: "en", Profile: "strict", World: "test",
		Listen: "127.0.0.1:8080", Root: "1.2.246.10.99999901.10.1.18", Owner: "unidentified",
		Document: 20 << 20, InFlight: 256 << 20, Assumptions: "on", Encryption: "on", TimestampEvery: "1h", Phrases: "any", ArchiveSignature: string(pipeline.SignNever),
		Revocation: "auto", RevocationFetch: "none", OCSPNonce: "send", TrustWatch: "1m", TrustSkew: "0s",
	}
	c.TLS.Clients = string(gateway.NoClientCertificates)
	return c
}

// configure fills in m.config for a command.
func (m *Main) configure(cmd *cobra.Command) error {
	k := koanf.New(".")
	if err := k.Load(structs.Provider(defaults(), "koanf"), nil); err != nil {
		return system(err, "")
	}
	known := k.Keys()
	if name, _ := cmd.Flags().GetString("config"); name != "" {
		if err := loadFile(k, name, known); err != nil {
			return err
		}
	}
	if err := k.Load(env.Provider(".", env.Opt{
		Prefix: "PORTTI_", EnvironFunc: func() []string { return m.Environ },
		TransformFunc: func(key, value string) (string, any) {
			key = strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(key, "PORTTI_")), "__", ".")
			if !slices.Contains(known, key) { // PORTTI_SHARED and others are for the tests
				return "", nil
			}
			return key, value
		},
	}), nil); err != nil {
		return system(err, "")
	}
	if err := loadFlags(k, cmd.Flags(), known); err != nil {
		return usage(err, "")
	}
	if err := k.Unmarshal("", &m.config); err != nil {
		return usage(fmt.Errorf("configuration: %w", err), "")
	}
	m.config.settle()
	return m.config.check()
}

// settle leaves plain HTTP out of the production world, where nobody has asked for it.
func (c *config) settle() {
	if pipeline.World(c.World) == pipeline.Production && c.Listen == defaults().Listen {
		c.Listen = ""
	}
}

func loadFile(k *koanf.Koanf, name string, known []string) error {
	f := koanf.New(".")
	if err := f.Load(file.Provider(name), koanfyaml.Parser()); err != nil {
		return usage(fmt.Errorf("configuration: %w", err), "")
	}
	for _, key := range f.Keys() {
		if !slices.Contains(known, key) {
			return usage(fmt.Errorf("configuration: %s: unknown key %q", name, key), "known keys: "+strings.Join(known, ", "))
		}
	}
	return k.Merge(f)
}

// ownFlag marks a command's own flag that has a configuration key's name but
// another meaning.
const ownFlag = "portti/own"

// loadFlags takes the flags that were given and that configure something; a dash
// in a flag is an underscore in its key.
func loadFlags(k *koanf.Koanf, flags *pflag.FlagSet, known []string) error {
	var first error
	flags.Visit(func(f *pflag.Flag) {
		if f.Annotations[ownFlag] != nil {
			return
		}
		key := strings.ReplaceAll(f.Name, "-", "_")
		if dotted := strings.Replace(key, "tls_", "tls.", 1); slices.Contains(known, dotted) {
			key = dotted
		}
		if slices.Contains(known, key) {
			if err := k.Set(key, f.Value.String()); err != nil && first == nil {
				first = err
			}
		}
	})
	return first
}

// check refuses words that are not of their list.
func (c *config) check() error {
	for _, w := range []struct {
		name, value string
		of          []string
	}{
		{"format", c.Format, report.Formats},
		{"lang", c.Lang, []string{"fi", "sv", "en"}},
		{"profile", c.Profile, []string{string(catalogue.Strict), string(catalogue.Lenient)}},
		{"assumptions", c.Assumptions, []string{"on", "off"}},
		{"encryption", c.Encryption, []string{"on", "off"}},
		{"archive_signature", c.ArchiveSignature, []string{string(pipeline.SignNever), string(pipeline.SignOnStore), string(pipeline.SignOnReturn)}},
		{"phrases", c.Phrases, []string{"any", "exact"}},
		{"world", c.World, []string{string(pipeline.Test), string(pipeline.Production)}},
	} {
		if !slices.Contains(w.of, w.value) {
			return usage(fmt.Errorf("%s is %q", w.name, w.value), "use one of "+strings.Join(w.of, ", "))
		}
	}
	if _, err := c.phase1Until(); err != nil {
		return err
	}
	return c.checkTrust()
}

func (c *config) profile() catalogue.Profile { return catalogue.Profile(c.Profile) }
func (c *config) lang() catalogue.Lang       { return catalogue.Lang(c.Lang) }
