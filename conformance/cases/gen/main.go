// Command gen writes the document of all cases, conformance/CASES.md.
package main

import (
	"bytes"
	"log"
	"os"

	"portti/conformance/cases"
)

func main() {
	var b bytes.Buffer
	if err := cases.Default().WriteMarkdown(&b); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("../CASES.md", b.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}
