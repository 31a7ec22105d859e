// Command gen makes the table of structures that package sosmeta embeds, from
// THL's JSON Schemas in the shared material (schemas/sosmeta; PORTTI_SHARED, by
// default the folder "shared" beside the module). Run it by go generate.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"portti/cda/sosmeta"
	"portti/internal/shared"
)

// What the shipped table says of itself: the public snapshot that the schemas
// were taken from.
const (
	source = "THL Sosmeta, JSON Schemas of the structures with status Valmis"
	date   = "2025-05-01"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := shared.Dir()
	if dir == "" {
		return fmt.Errorf("no shared material: put it beside the checkout as ../shared or set PORTTI_SHARED")
	}
	t, err := sosmeta.Import(filepath.Join(dir, "schemas", "sosmeta"))
	if err != nil {
		return err
	}
	t.Source, t.Date = source, date
	f, err := os.Create("table.json.gz")
	if err != nil {
		return err
	}
	n, err := t.WriteTo(f)
	if err != nil {
		return err
	}
	fmt.Printf("%d structures, %d octets\n", len(t.Structures), n)
	return f.Close()
}
