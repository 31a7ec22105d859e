package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"portti/internal/xmltree"
	"portti/xmldsig"

	"github.com/spf13/cobra"
)

func (m *Main) c14nCommand() *cobra.Command {
	var c xmldsig.Canonicalizer
	var id, prefixes string
	cmd := &cobra.Command{
		Use: "c14n FILE", Short: "canonical octets of a document or element, to stdout", Args: cobra.ExactArgs(1),
		Example: "  portti c14n --id OID1.2.246.10.1.2.3 document.xml | sha256sum",
		RunE: func(_ *cobra.Command, args []string) error {
			if prefixes != "" {
				c.Prefixes = strings.FieldsFunc(prefixes, func(r rune) bool { return r == ',' || r == ' ' })
			}
			t, err := m.parseFile(args[0])
			if err != nil {
				return err
			}
			n, err := element(t, id)
			if err != nil {
				return err
			}
			w := bufio.NewWriter(m.Stdout)
			if err := c.Write(w, t, n); err != nil {
				return usage(err, "")
			}
			return w.Flush()
		},
	}
	f := cmd.Flags()
	f.StringVar(&c.Algorithm, "algorithm", xmldsig.Exclusive10, "exc, 1.0 or 1.1")
	f.BoolVar(&c.Comments, "comments", false, "keep comments")
	f.StringVar(&id, "id", "", "the element with this `ID`, not the whole document")
	f.StringVar(&prefixes, "inclusive-prefixes", "", "`LIST` of prefixes of exclusive canonicalization; #default is the default namespace")
	return cmd
}

// element finds the one element with an ID attribute, the document for "".
func element(t *xmltree.Tree, id string) (xmltree.Node, error) {
	if id == "" {
		return xmltree.Doc, nil
	}
	found := t.IDs("ID", "Id", "id").Lookup(id)
	if len(found) != 1 {
		return xmltree.None, usage(fmt.Errorf("%d elements have the id %q", len(found), id), "")
	}
	return found[0], nil
}

// parseFile reads and parses an XML file; "-" is stdin.
func (m *Main) parseFile(name string) (*xmltree.Tree, error) {
	b, err := m.readFile(name)
	if err != nil {
		return nil, err
	}
	t, err := xmltree.Parse(b, m.limits())
	if err != nil {
		return nil, usage(fmt.Errorf("%s: %w", name, err), "")
	}
	return t, nil
}

// readFile reads a file; "-" is stdin.
func (m *Main) readFile(name string) ([]byte, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(m.Stdin)
	} else {
		b, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, usage(err, "")
	}
	return b, nil
}

func (m *Main) limits() xmltree.Limits { return xmltree.Limits{Bytes: int(m.config.Document)} }
