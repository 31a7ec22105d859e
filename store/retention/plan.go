package retention

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"portti/store"
)

// Archive is what this package needs of the store; *store.Store is one.
type Archive interface {
	Retention(context.Context, store.Scope, store.RetentionPolicy, func(*store.RetentionFacts) error) error
	BeginDisposal(context.Context, store.DisposalRun) (int64, error)
	Dispose(context.Context, store.Disposal) (store.DisposalOutcome, error)
}

// planHead is the first line of a plan, planLine each of the others. A plan holds no
// personal data.
type planHead struct {
	Plan       string    `json:"plan"` // planForm
	Made       time.Time `json:"made"`
	Controller string    `json:"controller"`
	Rules      string    `json:"rules"` // hash of the rules in force
}

const planForm = "portti disposal plan 1"

type planLine struct {
	ID      string `json:"id"`
	SetID   string `json:"setId"`
	Version int    `json:"version"`
	SHA256  string `json:"sha256"`
	Rule    string `json:"rule"`
	Due     string `json:"due"`
}

// MaxAge is how old a plan may be when it is applied: what was reviewed must still be
// fresh in mind.
const MaxAge = 90 * 24 * time.Hour

// Summary is what a plan found.
type Summary struct {
	// Hash is the SHA-256 of the plan.
	Hash string
	// Planned counts the document versions that are due; Reasons all, by how it stands
	// with them, and Rules those due, by rule.
	Planned int
	Reasons map[Reason]int
	Rules   map[string]int
	// Permanent lists documents whose class says "permanently" though the law's period
	// has an end: for the controller to look into (at most MaxListed).
	Permanent []string
}

// MaxListed bounds the lists of a Summary.
const MaxListed = 1000

// Plan writes the plan of disposal of a controller's documents: what is due now and
// not held. Nothing is changed.
func Plan(ctx context.Context, a Archive, p *Policy, controller string, now time.Time, w io.Writer) (*Summary, error) {
	if controller == "" {
		return nil, errors.New("retention: a plan is of one controller")
	}
	h := sha256.New()
	out := bufio.NewWriter(io.MultiWriter(w, h))
	enc := json.NewEncoder(out)
	rules := p.Hash()
	if err := enc.Encode(planHead{planForm, now.UTC(), controller, hex.EncodeToString(rules[:])}); err != nil {
		return nil, err
	}
	s := &Summary{Reasons: map[Reason]int{}, Rules: map[string]int{}}
	sc := store.Scope{Controllers: []string{controller}, Purpose: "retention"}
	err := a.Retention(ctx, sc, p, func(f *store.RetentionFacts) error {
		v := p.Judge(f, now)
		s.Reasons[v.Reason]++
		if v.Reason == Permanent && len(s.Permanent) < MaxListed {
			s.Permanent = append(s.Permanent, f.ID)
		}
		if v.Reason != Due {
			return nil
		}
		s.Planned++
		s.Rules[v.Rule]++
		return enc.Encode(planLine{f.ID, f.SetID, f.Version.Version, hex.EncodeToString(f.SHA256[:]), v.Rule, v.Day.Format(time.DateOnly)})
	})
	if err = errors.Join(err, out.Flush()); err != nil {
		return nil, err
	}
	s.Hash = hex.EncodeToString(h.Sum(nil))
	return s, nil
}

// Applied is what became of a plan.
type Applied struct {
	Run      int64
	Outcomes map[store.DisposalOutcome]int
	// Left are the documents that were not disposed of, with why.
	Left []Left
}

// Left is a document that stays.
type Left struct {
	ID      string                `json:"id"`
	Outcome store.DisposalOutcome `json:"outcome"`
}

// Errors of Apply.
var (
	ErrHash  = errors.New("retention: the plan is not the one that was reviewed: its hash is another")
	ErrPlan  = errors.New("retention: this is no plan of disposal")
	ErrStale = errors.New("retention: the plan is too old, or the rules have changed since: make and review a new one")
)

// Apply carries out a reviewed plan: hash is the hash that was reviewed, by and second
// are the two who answer for it. Each document is judged once more, in the transaction
// that destroys it; what is no longer due, or held, stays.
func Apply(ctx context.Context, a Archive, p *Policy, plan []byte, hash string, by, second store.Actor, now time.Time) (*Applied, error) {
	sum := sha256.Sum256(plan)
	if hash != hex.EncodeToString(sum[:]) {
		return nil, ErrHash
	}
	head, lines, err := readPlan(plan)
	if err != nil {
		return nil, err
	}
	rules := p.Hash()
	if head.Rules != hex.EncodeToString(rules[:]) || now.Sub(head.Made) > MaxAge {
		return nil, ErrStale
	}
	out := &Applied{Outcomes: map[store.DisposalOutcome]int{}}
	if out.Run, err = a.BeginDisposal(ctx, store.DisposalRun{Plan: sum, By: by, Second: second}); err != nil {
		return nil, err
	}
	for _, l := range lines {
		d, err := l.disposal(head, out.Run, p, by, second)
		if err != nil {
			return out, err
		}
		o, err := a.Dispose(ctx, d)
		if err != nil {
			return out, fmt.Errorf("document %s: %w", l.ID, err)
		}
		out.Outcomes[o]++
		if o != store.Disposed && o != store.AlreadyDisposed {
			out.Left = append(out.Left, Left{l.ID, o})
		}
	}
	return out, nil
}

func (l *planLine) disposal(head *planHead, run int64, p *Policy, by, second store.Actor) (d store.Disposal, err error) {
	sum, err := hex.DecodeString(l.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return d, ErrPlan
	}
	detail, err := json.Marshal(struct {
		Run    int64       `json:"run"`
		Rule   string      `json:"rule"`
		Due    string      `json:"due"`
		Second store.Actor `json:"second"`
	}{run, l.Rule, l.Due, second})
	return store.Disposal{Run: run, Document: l.ID, SHA256: [sha256.Size]byte(sum), Rule: l.Rule, Policy: p,
		Usage: store.Usage{DataController: head.Controller, LogController: head.Controller, User: by.ID, UserName: by.Name,
			System: "portti", Action: "dispose", Purpose: l.Rule, Detail: detail}}, err
}

func readPlan(b []byte) (*planHead, []planLine, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var head planHead
	if err := dec.Decode(&head); err != nil || head.Plan != planForm || head.Controller == "" {
		return nil, nil, ErrPlan
	}
	var lines []planLine
	for dec.More() {
		var l planLine
		if err := dec.Decode(&l); err != nil || l.ID == "" {
			return nil, nil, ErrPlan
		}
		lines = append(lines, l)
	}
	return &head, lines, nil
}
