package pipeline

import (
	"slices"
	"testing"

	"portti/gateway/access"
)

// REK-2: a query that names no client looks at the asker's own registers alone,
// whatever its use situation claims.
func TestREK2_QueryWithoutClientStaysInOwnRegisters(t *testing.T) {
	own := []string{"1.2.246.10.99999901.10.0"}
	for _, use := range []access.Use{access.OwnUse, access.ForOrganiser, access.Disclosed} {
		e := &engineReleasing{at: Asker{Own: own}, requester: access.Requester{Use: use}}
		if sc := e.Scope(); sc.All || !slices.Equal(sc.Controllers, own) || sc.Purpose == "" {
			t.Errorf("use %v: %+v", use, sc)
		}
	}
}
