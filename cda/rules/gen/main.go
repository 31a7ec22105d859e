// Command gen writes cda/rules/catalogue/data/metadata.yaml: the catalogue's
// entries for every kind of fault of every field, made of data/fields.yaml,
// data/codes.yaml and gen/texts.yaml. Run by go generate in cda/rules.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"portti/cda/rules"
	"portti/cda/rules/internal/fieldtexts"
)

func main() {
	if err := run(filepath.Join("catalogue", "data", "metadata.yaml")); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	texts, err := os.ReadFile(filepath.Join("gen", "texts.yaml"))
	if err != nil {
		return err
	}
	b, err := fieldtexts.Generate(rules.DefaultBook().FieldRules(), texts)
	if err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o644)
}
