package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"portti/internal/migrate"
	"portti/store/proof"
)

// proofDoor is a migrate.Witness that asks an archive's door of proofs (/proofs/, a
// local assumption: other archives need not have it) and believes nothing but what
// the checkpoint key has signed.
type proofDoor struct {
	j       *migrate.Journal
	http    *http.Client
	base    *url.URL
	key     string
	sending migrate.Sending
	// strict makes an archive without the door a failure; otherwise it is not asked.
	strict bool

	mu     sync.Mutex
	asked  bool
	absent bool
	newest *proof.Checkpoint
}

// proofsAtOnce is how many proofs are under way.
const proofsAtOnce = 8

// metaCheckpoint names the newest checkpoint that was seen, in the journal.
const metaCheckpoint = "checkpoint"

var (
	errNoProofs = errors.New("the archive offers no proofs over the wire")
	errHistory  = errors.New("the archive proves another history than it did before")
)

// newProofDoor makes the witness for the archive whose SOAP door is at to.
func newProofDoor(j *migrate.Journal, o witnessFlags) (*proofDoor, error) {
	key, err := os.ReadFile(o.checkpointKey)
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(o.to)
	if err != nil {
		return nil, err
	}
	tc, err := o.files.config()
	if err != nil {
		return nil, err
	}
	s, err := j.Sending()
	if err != nil {
		return nil, err
	}
	c := &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: tc, MaxIdleConnsPerHost: proofsAtOnce, MaxConnsPerHost: proofsAtOnce}}
	return &proofDoor{j: j, http: c, base: base, key: strings.TrimSpace(string(key)), sending: s, strict: o.by == "proof"}, nil
}

// Name implements migrate.Witness.
func (w *proofDoor) Name() string {
	if w.absent {
		return "no inclusion proofs offered"
	}
	return "inclusion proof"
}

// Holds implements migrate.Witness.
func (w *proofDoor) Holds(ctx context.Context, page []migrate.Kept) ([]bool, error) {
	out := make([]bool, len(page))
	if !w.asked && len(page) > 0 {
		if err := w.open(ctx, page[0].Controller); err != nil {
			return nil, err
		}
	}
	if w.absent {
		for i := range out {
			out[i] = true // it is for the other witness to say
		}
		return out, nil
	}
	faults := make([]error, len(page))
	var all sync.WaitGroup
	places := make(chan struct{}, proofsAtOnce)
	for i, k := range page {
		places <- struct{}{}
		all.Go(func() {
			out[i], faults[i] = w.proves(ctx, k)
			<-places
		})
	}
	all.Wait()
	return out, errors.Join(faults...)
}

// open looks whether there is such a door, and whether the archive's history goes on
// from the checkpoint that the last report saw.
func (w *proofDoor) open(ctx context.Context, controller string) error {
	w.asked = true
	status, b, err := w.get(ctx, controller, "checkpoint", nil)
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusNotImplemented:
		if w.strict {
			return errNoProofs
		}
		w.absent = true
		return nil
	case status != http.StatusOK:
		return fmt.Errorf("%s/proofs: %s", w.base.Host, http.StatusText(status))
	}
	c, err := proof.Open(string(b), w.key)
	if err != nil {
		return err
	}
	w.saw(c)
	note, err := w.j.Recall(metaCheckpoint)
	if err != nil || note == "" {
		return err
	}
	before, err := proof.Open(note, w.key)
	if err != nil {
		return err
	}
	return w.continues(ctx, controller, before)
}

// continues proves that what the archive had at a checkpoint is still there.
func (w *proofDoor) continues(ctx context.Context, controller string, before *proof.Checkpoint) error {
	status, b, err := w.get(ctx, controller, "consistency", url.Values{"from": {strconv.FormatInt(before.Size, 10)}})
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%w: no checkpoint of size %d", errHistory, before.Size)
	}
	_, con, err := proof.Read(b)
	if err == nil && con == nil {
		err = errNoAnswer
	}
	if err != nil {
		return errors.Join(errHistory, err)
	}
	from, to, err := con.Verify(w.key)
	if err != nil {
		return errors.Join(errHistory, err)
	}
	if from.Size != before.Size || from.Root != before.Root {
		return errHistory
	}
	w.saw(to)
	return nil
}

// proves asks for the proof of one document and checks it against the bytes that
// were sent.
func (w *proofDoor) proves(ctx context.Context, k migrate.Kept) (bool, error) {
	status, b, err := w.get(ctx, k.Controller, "documents/"+url.PathEscape(k.OID), nil)
	switch {
	case err != nil:
		return false, err
	case status == http.StatusNotFound:
		return false, nil
	case status != http.StatusOK:
		return false, fmt.Errorf("%s/proofs: %s", w.base.Host, http.StatusText(status))
	}
	in, _, err := proof.Read(b)
	if err != nil || in == nil {
		return false, nil // nothing that proves
	}
	doc, err := w.j.Document(ctx, k.OID)
	if err != nil {
		return false, err
	}
	c, err := in.VerifyDocument(w.key, doc)
	if err != nil {
		return false, nil
	}
	w.saw(c)
	return true, nil
}

func (w *proofDoor) saw(c *proof.Checkpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newest == nil || c.Size > w.newest.Size {
		w.newest = c
	}
}

// Close keeps the newest checkpoint: the next report holds the archive to it.
func (w *proofDoor) Close() error {
	w.http.CloseIdleConnections()
	if w.newest == nil {
		return nil
	}
	return w.j.Remember(metaCheckpoint, w.newest.Note)
}

// get asks, again where the archive cannot answer now.
func (w *proofDoor) get(ctx context.Context, controller, what string, q url.Values) (status int, body []byte, err error) {
	if q == nil {
		q = url.Values{}
	}
	sender := w.sending.System.Sender
	if sender == "" {
		sender = controller
	}
	q.Set("sender", sender)
	u := w.base.ResolveReference(&url.URL{Path: "/proofs/" + what, RawQuery: q.Encode()}).String()
	for attempt := 1; ; attempt++ {
		status, body, err = w.getOnce(ctx, u)
		if err == nil && status != http.StatusTooManyRequests && status < 500 || attempt == 8 {
			return status, body, err
		}
		if err := migrate.Pause(ctx, attempt); err != nil {
			return 0, nil, err
		}
	}
}

func (w *proofDoor) getOnce(ctx context.Context, u string) (int, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := w.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	return res.StatusCode, b, err
}
