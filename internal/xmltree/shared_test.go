package xmltree_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portti/internal/shared"
)

// sharedXML lists the XML files of the shared material.
func sharedXML(tb testing.TB) []string {
	tb.Helper()
	var files []string
	for _, dir := range []string{"samples", "schemas"} {
		err := filepath.WalkDir(shared.Path(tb, dir), func(path string, d fs.DirEntry, err error) error {
			switch strings.ToLower(filepath.Ext(path)) {
			case ".xml", ".xsd", ".wsdl", ".xsl", ".xslt":
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return files
}

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
