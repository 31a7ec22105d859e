package store

import (
	"context"
	"time"
)

// SignatureJudge judges the signatures of a document that arrived at a time: nil, or
// what is wrong with them. It must hold to that time: certificates end, what they
// signed does not.
type SignatureJudge func(id string, document []byte, arrived time.Time) error

// Verify is Check that also has every document's signatures judged anew.
func (s *Store) Verify(ctx context.Context, judge SignatureJudge) (*CheckReport, error) {
	return s.check(ctx, judge)
}
