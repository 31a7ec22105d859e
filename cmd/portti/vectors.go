package main

import (
	"errors"
	"fmt"

	"portti/fixtures"
	"portti/fixtures/vectors"
	"portti/xmldsig/pki"

	"github.com/spf13/cobra"
)

func (m *Main) vectorsCommand() *cobra.Command {
	root := &cobra.Command{Use: "vectors", Short: "test vectors of the rules: messages with one fault each, and what must be found"}
	export := &cobra.Command{
		Use: "export DIR", Args: cobra.ExactArgs(1),
		Short: "writes every vector as a file: a header that any language can read, then the message",
		Long: "Writes the test vectors into DIR: NAME.vector, each with a header (rule, comment,\n" +
			"expect: the exact findings), the certificates to trust, the code lists that some ask\n" +
			"for, and a README with the time to judge them at. All persons are invented.",
		Example: "  portti vectors export var/vectors",
		RunE: func(_ *cobra.Command, args []string) error {
			if m.config.Format != "text" {
				return usage(errors.New("vectors are written as files"), "leave out --format")
			}
			set, err := vectors.Load()
			if err != nil {
				return system(err, "")
			}
			w := fixtures.Default()
			if err := vectors.Export(args[0], w, set, pki.EncodeCertificates(w.Authority.Certificates()...)); err != nil {
				return system(err, "")
			}
			_, err = fmt.Fprintf(m.Stdout, "%d vectors are in %s\n", len(set), args[0])
			return err
		},
	}
	root.AddCommand(export)
	return root
}
