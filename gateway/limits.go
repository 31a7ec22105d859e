package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// budget counts the bytes of requests in hand.
type budget struct {
	limit int64
	used  atomic.Int64
}

// take reserves n bytes; false where they are not to be had.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.limit {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// Errors of reading a body.
var (
	errTooLarge = errors.New("gateway: message too large")
	errBudget   = errors.New("gateway: too many bytes in hand")
)

// budgetStep is how much is reserved at first; it doubles as the octets come in,
// so that a client that only promises a large message holds back nobody.
const budgetStep = 1 << 20

// body reads a request's body within the limits. The caller gives held back to
// the budget when it is done with the bytes, also after an error.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (b []byte, held int64, err error) {
	limit := s.limits.Message
	src := &slowReader{r: r.Body, rc: http.NewResponseController(w), start: time.Now(), l: s.limits}
	defer func() { src.done(err) }()
	if r.ContentLength > limit {
		return nil, 0, errTooLarge
	}
	most := limit + 1 // one more, to see that it is too large
	if r.ContentLength >= 0 {
		most = r.ContentLength
	}
	for int64(len(b)) < most {
		if int64(len(b)) == held {
			next := min(most, max(budgetStep, 2*held))
			if !s.budget.take(next - held) {
				return nil, held, errBudget
			}
			held = next
			b = append(make([]byte, 0, held), b...)
		}
		n, err := src.Read(b[len(b):held])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, held, err
		}
	}
	if int64(len(b)) > limit {
		return nil, held, errTooLarge
	}
	return b, held, nil
}

// slowReader ends a body that comes slower than the limits allow: each read must
// be done by start + grace + bytes read / rate.
type slowReader struct {
	r     io.Reader
	rc    *http.ResponseController
	start time.Time
	l     Limits
	n     int64
}

func (s *slowReader) Read(b []byte) (int, error) {
	allowed := s.l.BodyGrace + time.Duration(s.n)*time.Second/time.Duration(s.l.BodyRate)
	// A connection that knows no deadlines (in tests) is read without.
	_ = s.rc.SetReadDeadline(s.start.Add(allowed))
	n, err := s.r.Read(b)
	s.n += int64(n)
	return n, err
}

// lingerTime is how long the rest of a body that is not taken may still come in,
// so that its sender gets to read why.
const lingerTime = 2 * time.Second

// done ends the reading. After a whole body the deadline is taken off, so that the
// connection can be used on; after any other net/http reads on for a while before
// it closes the connection, which must not last.
func (s *slowReader) done(err error) {
	deadline := time.Time{}
	if err != nil {
		deadline = time.Now().Add(lingerTime)
	}
	_ = s.rc.SetReadDeadline(deadline)
}

// limitListener holds back the accepting of more than n connections.
func limitListener(ln net.Listener, n int) net.Listener {
	return &limitedListener{Listener: ln, slots: make(chan struct{}, n), closed: make(chan struct{})}
}

type limitedListener struct {
	net.Listener
	slots  chan struct{}
	once   sync.Once
	closed chan struct{}
}

func (l *limitedListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, free: func() { <-l.slots }}, nil
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	once sync.Once
	free func()
}

func (c *limitedConn) Close() error {
	c.once.Do(c.free)
	return c.Conn.Close()
}
