package run

import (
	"testing"
	"time"

	"portti/fixtures"
)

// Ids of two runs never meet, however soon one follows the other.
func TestRunsHaveIdsOfTheirOwn(t *testing.T) {
	seen := map[int64]bool{}
	for range 50 {
		m := newMaker(fixtures.Default(), time.Now())
		for range 3 {
			if n := m.serial(); seen[n] {
				t.Fatalf("%d comes twice", n)
			} else {
				seen[n] = true
			}
		}
	}
}
