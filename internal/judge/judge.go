// Package judge runs other people's programs as a second opinion in tests:
// xmllint, xmlsec1, the JDK, zeep, PHP. Where one is missing the test is skipped
// with a message, or fails when PORTTI_REQUIRE contains "judges".
package judge

import (
	"os/exec"
	"testing"

	"portti/internal/shared"
)

// Need gives the path of a program, or skips (or fails) the test.
func Need(tb testing.TB, program string) string {
	tb.Helper()
	p, err := exec.LookPath(program)
	if err == nil {
		return p
	}
	Missing(tb, program+" is not installed (Debian: see .ci/run)")
	return ""
}

// Missing skips the test for want of a judge, or fails it where judges are required.
func Missing(tb testing.TB, msg string) {
	tb.Helper()
	if shared.Required("judges") {
		tb.Fatal(msg)
	}
	tb.Skip(msg)
}
