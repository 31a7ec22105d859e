package main

import (
	"portti/xmldsig"
	"portti/xmldsig/trust"

	"github.com/spf13/pflag"
)

func (m *Main) trustFlags(f *pflag.FlagSet) {
	f.String("trust", "", "PEM `FILE` or folder: CA certificates of signers")
	f.String("pinned", "", "PEM `FILE` or folder: signers trusted by themselves")
}

func (m *Main) listenFlags(f *pflag.FlagSet) {
	f.String("listen", m.config.Listen, "`ADDR`ess of plain HTTP (default 127.0.0.1:8080)")
	f.String("admin", "", "`ADDR`ess of the operator's pages (metrics); without it they are on a loopback --listen")
}

// trust gives who may sign. With neither anchors nor pins every signature is
// refused, with a finding that says so.
func (m *Main) trust() (xmldsig.Trust, error) {
	var o trust.Options
	if m.config.Trust != "" {
		o.Anchors = []string{m.config.Trust}
	}
	if m.config.Pinned != "" {
		o.Pins = []string{m.config.Pinned}
	}
	s, err := trust.New(o)
	if err != nil {
		return nil, usage(err, "--trust and --pinned take PEM or DER certificates")
	}
	return s, nil
}
