package migrate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Reply is what an archive answered to one message.
type Reply struct {
	// Verdict is CA, CE or CR; "" for a fault.
	Verdict string
	// Status is the HTTP status, Fault a fault's text.
	Status int
	Fault  string
	// RetryAfter is what the archive asks to wait.
	RetryAfter time.Duration
	// Acknowledgement is the acknowledgement's own id.
	Acknowledgement string
	Findings        []Finding
}

// Transport sends one frame, without an XML declaration, and reads the answer. An
// error means that no answer came. One Transport is used by one goroutine at a time.
type Transport interface {
	Send(ctx context.Context, frame []byte) (Reply, error)
}

// PushOptions are what Push needs.
type PushOptions struct {
	Journal *Journal
	// Connect makes the transport of a worker.
	Connect func() (Transport, error)
	// Workers is the greatest number of documents under way; default 8.
	Workers int
	// Rate bounds documents a second; 0 for no bound.
	Rate    float64
	Windows []Window
	// Retries is how often a document is sent again within a run when the archive
	// says that it cannot take it now; default 8.
	Retries int
	// Patience is how long nothing may succeed before the run ends; default 10 min.
	Patience time.Duration
	// Rejected sends again what the archive has rejected, as for a new judgement
	// after the cause was mended.
	Rejected bool
	Now      func() time.Time
	// Sleep waits; time's own where nil.
	Sleep func(context.Context, time.Duration) error
	// Progress is called about twice a second; may be nil.
	Progress func(Pushed)
}

// Pushed is how far a push is.
type Pushed struct {
	// Total are the documents to send, of which Archived, Rejected and Later were
	// answered; Later are to be sent again in another run.
	Total, Archived, Rejected, Later int64
	// Sent and Retried count this run's.
	Sent, Retried int64
	// Workers is how many may be under way now; Closed is how long until a window opens.
	Workers int
	Closed  time.Duration
	Elapsed time.Duration
}

// Done are the documents that have their final answer.
func (p Pushed) Done() int64 { return p.Archived + p.Rejected }

// PerSecond is the rate of this run.
func (p Pushed) PerSecond() float64 {
	if p.Elapsed <= 0 {
		return 0
	}
	return float64(p.Sent) / p.Elapsed.Seconds()
}

// Remaining is how long the rest takes at this rate; 0 where it cannot be said.
func (p Pushed) Remaining() time.Duration {
	if r := p.PerSecond(); r > 0 {
		return time.Duration(float64(p.Total-p.Done()-p.Later) / r * float64(time.Second))
	}
	return 0
}

// ErrPatience: nothing was taken for too long.
var ErrPatience = errors.New("the archive has taken nothing for too long")

// ErrDoor: what stands at the address takes no messages, of this sender or at all.
// It says nothing of the document.
var ErrDoor = errors.New("there is no door for these messages")

// closedDoors are the statuses of such an address.
var closedDoors = map[int]bool{301: true, 302: true, 303: true, 307: true, 308: true, 401: true, 403: true, 404: true, 405: true, 406: true, 407: true,
	410: true, 415: true, 421: true, 426: true, 501: true, 505: true, 511: true}

// pusher is one run of Push.
type pusher struct {
	PushOptions
	sending  Sending
	run      string
	throttle *throttle
	jobs     chan job
	results  chan result
	began    time.Time
	trouble  atomic.Int64 // when sending began to fail, Unix milliseconds; 0 while it does not
	count    Pushed
	retried  atomic.Int64
}

type job struct {
	seq  int64
	oid  string
	size int
}

type result struct {
	job
	state, message string
	reply          Reply
	took           time.Duration
	attempts       int
}

// Push sends every document of the journal that has no final answer: relationships
// first, then cases, then old documents. It ends early, with the state kept, when
// ctx ends; what is under way is waited for.
func Push(ctx context.Context, o PushOptions) (Pushed, error) {
	if o.Workers <= 0 {
		o.Workers = 8
	}
	if o.Retries <= 0 {
		o.Retries = 8
	}
	if o.Patience <= 0 {
		o.Patience = 10 * time.Minute
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	sending, err := o.Journal.Sending()
	if err != nil {
		return Pushed{}, err
	}
	began := o.Now()
	p := &pusher{PushOptions: o, sending: sending, began: began, run: strconv.FormatInt(began.UnixMilli(), 10),
		throttle: newThrottle(o.Workers, o.Rate, o.Windows, o.Now, o.Sleep)}
	if err := errors.Join(o.Journal.commit(), p.totals(ctx)); err != nil {
		return p.count, err
	}
	for _, c := range []class{classRelation, classCase, classDocument} {
		if err = p.class(ctx, c); err != nil {
			break
		}
	}
	p.show()
	return p.count, err
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// totals counts what there is and what is done. Answers that put a document off
// are forgotten: this run sends it again.
func (p *pusher) totals(ctx context.Context) error {
	if _, err := p.Journal.exec(`DELETE FROM answers WHERE state='later' OR ? AND state='rejected'`, p.Rejected); err != nil {
		return err
	}
	if err := p.Journal.commit(); err != nil {
		return err
	}
	return p.Journal.query(ctx, func(r *sql.Rows) error {
		return r.Scan(&p.count.Total, &p.count.Archived, &p.count.Rejected)
	}, `SELECT count(*) - count(CASE WHEN a.state='refused' THEN 1 END), count(CASE WHEN a.state='archived' THEN 1 END), count(CASE WHEN a.state='rejected' THEN 1 END)
		FROM documents d LEFT JOIN answers a USING(seq)`)
}

// class sends the documents of one class.
func (p *pusher) class(ctx context.Context, c class) error {
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	p.jobs, p.results = make(chan job, p.Workers), make(chan result, 2*p.Workers)
	var workers sync.WaitGroup
	for range p.Workers {
		t, err := p.Connect()
		if err != nil {
			cancel(err)
			break
		}
		workers.Go(func() { p.work(inner, cancel, t) })
	}
	fed := make(chan error, 1)
	go func() {
		fed <- p.feed(inner, c)
		close(p.jobs)
	}()
	go func() {
		workers.Wait()
		close(p.results)
	}()
	err := p.record(cancel)
	for range p.jobs { // where no worker is left
	}
	if e := <-fed; err == nil {
		err = e
	}
	if cause := context.Cause(inner); cause != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = cause
	}
	return err
}

// feed hands out the documents of a class without a final answer, page by page.
func (p *pusher) feed(ctx context.Context, c class) error {
	for from := int64(0); ; {
		var page []job
		err := p.Journal.query(ctx, func(r *sql.Rows) error {
			var j job
			page = append(page, j)
			return r.Scan(&page[len(page)-1].seq, &page[len(page)-1].oid, &page[len(page)-1].size)
		}, `SELECT d.seq, d.oid, d.size FROM documents d WHERE d.class=? AND d.seq>? AND NOT EXISTS (SELECT 1 FROM answers a WHERE a.seq=d.seq) ORDER BY d.seq LIMIT 256`, c, from)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, j := range page {
			select {
			case p.jobs <- j:
				from = j.seq
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// work sends one document after another.
func (p *pusher) work(ctx context.Context, stop context.CancelCauseFunc, t Transport) {
	for j := range p.jobs {
		if ctx.Err() != nil {
			return
		}
		r, err := p.deliver(ctx, t, j)
		if err != nil {
			if ctx.Err() == nil {
				stop(err)
			}
			return
		}
		p.results <- r
	}
}

// deliver sends a document until it has an answer, or the archive has put it off
// too often.
func (p *pusher) deliver(ctx context.Context, t Transport, j job) (result, error) {
	r := result{job: j}
	doc, more, err := p.Journal.load(ctx, j.seq, j.oid)
	if err != nil {
		return r, err
	}
	// A kill between answer and journal sends the same again: the archive tells it
	// by id and bytes. The message's number is new each time, as its time is.
	r.message = p.run + strconv.FormatInt(j.seq, 10)
	framed, err := p.sending.Frame(doc, more, r.message, p.Now())
	if err != nil {
		return r, err
	}
	for refused := 0; ; {
		if untilOpen(p.Windows, p.Now()) > 0 {
			p.trouble.Store(0) // it is not the archive that is waited for
		}
		if err := p.throttle.enter(ctx); err != nil {
			return r, err
		}
		r.attempts++
		start := time.Now()
		// What is under way is waited for even when the run is stopped.
		reply, err := t.Send(context.WithoutCancel(ctx), framed)
		r.took = time.Since(start)
		if err == nil && reply.Verdict == "" && closedDoors[reply.Status] {
			return r, fmt.Errorf("%w: HTTP %d %s", ErrDoor, reply.Status, http.StatusText(reply.Status))
		}
		o := judge(reply, err)
		p.throttle.leave(o, r.took, len(doc), reply.RetryAfter)
		if r.reply = reply; o == well || o == answered {
			p.trouble.Store(0)
			r.state = map[bool]string{true: "archived", false: "rejected"}[o == well]
			return r, nil
		}
		if reply.Verdict == "CR" {
			if refused++; refused > p.Retries {
				r.state = "later"
				return r, nil
			}
		}
		p.retried.Add(1)
		now := p.Now().UnixMilli()
		p.trouble.CompareAndSwap(0, now)
		if since := p.trouble.Load(); since > 0 && now-since > p.Patience.Milliseconds() {
			return r, errors.Join(ErrPatience, err)
		}
		if err := p.Sleep(ctx, jitter(r.attempts)); err != nil {
			return r, err
		}
	}
}

// judge tells how a sending went.
func judge(r Reply, err error) outcome {
	switch {
	case err != nil:
		return unheard
	case r.Verdict == "CA":
		return well
	case r.Verdict == "CE":
		return answered
	case r.Verdict == "CR", r.Status == 429, r.Status == 503, r.Status == 502, r.Status == 504, r.Status == 500:
		return busy
	default: // a fault about the message itself: sending it again does not help
		return answered
	}
}

// jitter is the wait before the next attempt: at random up to a bound that doubles,
// so that many senders do not come back at once.
func jitter(attempt int) time.Duration {
	most := 100 * time.Millisecond << min(attempt-1, 8)
	return time.Duration(rand.Int64N(int64(min(most, 20*time.Second)))) + 10*time.Millisecond
}

// Pause waits before an attempt is made again, ever longer.
func Pause(ctx context.Context, attempt int) error { return sleep(ctx, jitter(attempt)) }

// record writes answers as they come, and commits them twice a second or sooner.
func (p *pusher) record(stop context.CancelCauseFunc) (err error) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	shown := time.Now()
	for {
		select {
		case r, open := <-p.results:
			if !open {
				return errors.Join(err, p.Journal.commit())
			}
			if err == nil {
				if err = p.write(r); err != nil {
					stop(err)
				}
			}
		case <-tick.C:
			if e := p.Journal.commit(); e != nil && err == nil {
				err = e
				stop(err)
			}
			if time.Since(shown) > 450*time.Millisecond {
				p.show()
				shown = time.Now()
			}
		}
	}
}

func (p *pusher) write(r result) error {
	fs := r.reply.Findings
	if r.reply.Verdict == "" {
		fs = []Finding{{Rule: "HTTP " + strconv.Itoa(r.reply.Status), Severity: "error", Text: r.reply.Fault}}
	}
	findings, err := json.Marshal(fs)
	if err != nil {
		return err
	}
	if len(fs) == 0 {
		findings = []byte("[]")
	}
	switch r.state {
	case "archived":
		p.count.Archived++
	case "rejected":
		p.count.Rejected++
	default:
		p.count.Later++
	}
	p.count.Sent++
	_, err = p.Journal.exec(`INSERT OR REPLACE INTO answers VALUES(?,?,?,?,?,?,?,?,?)`, r.seq, r.state, r.reply.Verdict, string(findings), r.message,
		r.reply.Acknowledgement, p.Now().UnixMilli(), r.took.Milliseconds(), r.attempts)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrJournal, err)
	}
	return p.Journal.tick()
}

func (p *pusher) show() {
	p.count.Retried, p.count.Workers, p.count.Elapsed = p.retried.Load(), p.throttle.at(), p.Now().Sub(p.began)
	p.count.Closed = untilOpen(p.Windows, p.Now())
	if p.Progress != nil {
		p.Progress(p.count)
	}
}
