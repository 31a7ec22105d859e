// Package shared finds the folder of other people's samples and schemas that
// tests read where it is: PORTTI_SHARED, by default the folder "shared" beside
// the module's folder.
package shared

import (
	"os"
	"path/filepath"
	"testing"
)

// Dir gives the folder, or "" where there is none.
func Dir() string {
	dir := os.Getenv("PORTTI_SHARED")
	if dir == "" {
		dir = beside()
	}
	if dir == "" {
		return ""
	}
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return ""
	}
	return dir
}

// beside walks up from the working directory to go.mod and names the folder
// "shared" beside that one.
func beside() string {
	dir, err := os.Getwd()
	if err != nil {
		return ""
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// Path gives the path of a file or folder of the shared material. Where it is
// missing the test is skipped with a message that says how to get it; with
// PORTTI_REQUIRE containing "shared" it fails instead.
func Path(tb testing.TB, name string) string {
	tb.Helper()
	dir := Dir()
	if dir != "" {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	missing(tb, "needs the shared material "+name+": put it beside the checkout as ../shared or set PORTTI_SHARED")
	return ""
}

// Read gives a shared file's bytes; see Path.
func Read(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(Path(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
