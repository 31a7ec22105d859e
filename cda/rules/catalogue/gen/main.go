// Command gen writes cda/rules/CATALOGUE.md from the catalogue. Run by go generate
// in cda/rules/catalogue.
package main

import (
	"bytes"
	"fmt"
	"os"

	"portti/cda/rules/catalogue"
)

func main() {
	var b bytes.Buffer
	err := catalogue.Default().WriteMarkdown(&b)
	if err == nil {
		err = os.WriteFile("../CATALOGUE.md", b.Bytes(), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
