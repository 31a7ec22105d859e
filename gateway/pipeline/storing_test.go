package pipeline

import (
	"context"
	"errors"
	"testing"

	"portti/cda/rules/catalogue"
	"portti/fixtures"
	"portti/gateway/access"
	"portti/store"
)

// unreadable is an archive whose state of clients cannot be read.
type unreadable struct{ access.StateReader }

func (unreadable) ClientState(context.Context, store.Scope, string) (store.ClientState, error) {
	return store.ClientState{}, errors.New("the disk is gone")
}

// SEC-2: where the archive cannot read what a decision needs, the document is neither
// taken nor told to be at fault: it may be sent again.
func TestSEC2_UnreadableStateIsCR(t *testing.T) {
	m := &memory{outcome: store.Outcome{Kind: store.Archived}}
	known := KnownAccess{Profile: catalogue.Strict, World: Test}
	p := testPipeline(t, m, NewStateAccess(known, &access.Engine{State: unreadable{}}))
	a := p.Handle(context.Background(), request(string(fixtures.Default().Frame(fixtures.Default().Doc("plan")))))
	if a.Report.Verdict != NotNow || a.Report.Failure == nil || len(m.archived) != 0 {
		t.Errorf("%s, failure %v, %d archived", a.Report.Verdict, a.Report.Failure, len(m.archived))
	}
}
