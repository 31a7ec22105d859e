package shared

import (
	"os"
	"strings"
	"testing"
)

// Required tells whether PORTTI_REQUIRE (a list separated by commas) names what.
func Required(what string) bool {
	for _, w := range strings.Split(os.Getenv("PORTTI_REQUIRE"), ",") {
		if strings.TrimSpace(w) == what {
			return true
		}
	}
	return false
}

func missing(tb testing.TB, msg string) {
	tb.Helper()
	if Required("shared") {
		tb.Fatal(msg)
	}
	tb.Skip(msg)
}
