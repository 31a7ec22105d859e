// Package fetch gets revocation data over HTTP for a trust.Store.
//
// The addresses stand in certificates, so whoever issues certificates chooses
// them. A Client therefore asks web addresses only, follows few redirects and none
// to another scheme, takes no more octets than it was told to, and connects to
// public addresses alone: loopback, private, link-local and other special ranges
// are refused unless they are on the allow-list. The check is made on the address
// that is connected to, after the name was resolved, so a name that resolves to
// another address the second time gains nothing.
//
//	c, err := fetch.New(fetch.Options{})
//	store, err := trust.New(trust.Options{…, Revocation: trust.Revocation{Mode: trust.Soft, Fetcher: c}})
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"syscall"
	"time"

	"portti/xmldsig/trust"
)

// Options configure a Client.
type Options struct {
	// HTTP is the client to ask with; nil means a new one. Its Transport must be nil
	// or an *http.Transport: it is copied, and its way to connect, proxy and
	// redirects are replaced.
	HTTP *http.Client
	// Allow are ranges of addresses that may be asked although they are not public,
	// and on any port: responders in a closed network, tests.
	Allow []netip.Prefix
	// MaxRedirects is how many redirects are followed; 0 means 3, a negative value
	// none.
	MaxRedirects int
}

// Client is a trust.Fetcher over HTTP. It is safe for concurrent use.
type Client struct {
	http         *http.Client
	allow        []netip.Prefix
	maxRedirects int
}

var _ trust.Fetcher = (*Client)(nil)

// ErrTransport tells that Options.HTTP has a Transport that cannot be guarded.
var ErrTransport = errors.New("fetch: the client's Transport must be nil or an *http.Transport")

// New makes a Client. It returns ErrTransport.
func New(o Options) (*Client, error) {
	c := &Client{http: &http.Client{}, allow: slices.Clone(o.Allow), maxRedirects: o.MaxRedirects}
	if o.MaxRedirects == 0 {
		c.maxRedirects = 3
	}
	base, _ := http.DefaultTransport.(*http.Transport)
	if o.HTTP != nil {
		c.http.Timeout = o.HTTP.Timeout
		if o.HTTP.Transport != nil {
			var ok bool
			if base, ok = o.HTTP.Transport.(*http.Transport); !ok {
				return nil, ErrTransport
			}
		}
	}
	c.http.Transport = c.guarded(base)
	c.http.CheckRedirect = c.redirect
	return c, nil
}

// guarded copies a Transport so that it connects to allowed addresses only.
func (c *Client) guarded(base *http.Transport) *http.Transport {
	t := &http.Transport{}
	if base != nil {
		t = base.Clone()
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, ControlContext: c.control}
	t.DialContext = dialer.DialContext
	// A proxy would connect for us, out of sight of the guard.
	t.Proxy = nil
	t.DialTLSContext = nil
	t.DisableCompression = true // what is limited is what comes over the wire
	t.MaxResponseHeaderBytes = 16 << 10
	t.MaxConnsPerHost = 8
	t.IdleConnTimeout = 30 * time.Second
	return t
}

// control is called with the address that is about to be connected to.
func (c *Client) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return fmt.Errorf("fetch: %s %s: %w", network, address, trust.ErrAddress)
	}
	if a := ap.Addr().Unmap().WithZone(""); !c.allowed(a) && (!public(a) || ap.Port() != 80 && ap.Port() != 443) {
		return fmt.Errorf("fetch: %s: %w", address, trust.ErrAddress)
	}
	return nil
}

func (c *Client) allowed(a netip.Addr) bool {
	return slices.ContainsFunc(c.allow, func(p netip.Prefix) bool { return p.Contains(a) })
}

// special are ranges that are no public unicast though net/netip calls them so
// (IANA special-purpose registries), among them those that lead to others by
// translation.
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"), netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("3fff::/20"), netip.MustParsePrefix("5f00::/16"), netip.MustParsePrefix("fec0::/10"), netip.MustParsePrefix("::/96"),
}

// public tells whether an address is one of the public Internet.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() &&
		!slices.ContainsFunc(special, func(p netip.Prefix) bool { return p.Contains(a) })
}

// redirect follows few redirects, none to another scheme, and none that turns a
// question into another.
func (c *Client) redirect(q *http.Request, via []*http.Request) error {
	switch {
	case len(via) > max(c.maxRedirects, 0):
		return fmt.Errorf("fetch: %w: too many redirects", trust.ErrAnswer)
	case q.URL.Scheme != via[0].URL.Scheme:
		return fmt.Errorf("fetch: redirect from %s to %s: %w", via[0].URL.Scheme, q.URL.Scheme, trust.ErrAddress)
	case q.Method != via[0].Method:
		return fmt.Errorf("fetch: %w: redirect changes %s to %s", trust.ErrAnswer, via[0].Method, q.Method)
	}
	return check(q.URL)
}

// check refuses addresses that are not plain web addresses.
func check(u *url.URL) error {
	const longest = 2048
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "", u.User != nil, u.Opaque != "", len(u.String()) > longest:
		return fmt.Errorf("fetch: no plain web address: %w", trust.ErrAddress)
	}
	return nil
}

// Fetch implements trust.Fetcher. Errors wrap trust.ErrAddress, trust.ErrAnswer,
// or are those of the network.
func (c *Client) Fetch(ctx context.Context, r trust.Request) ([]byte, error) {
	q, err := request(ctx, r)
	if err != nil {
		return nil, err
	}
	res, err := c.http.Do(q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch: %w: HTTP %d", trust.ErrAnswer, res.StatusCode)
	}
	if res.ContentLength > r.Limit {
		return nil, fmt.Errorf("fetch: %w: %d octets, the limit is %d", trust.ErrAnswer, res.ContentLength, r.Limit)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, r.Limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > r.Limit {
		return nil, fmt.Errorf("fetch: %w: more than %d octets", trust.ErrAnswer, r.Limit)
	}
	return b, nil
}

func request(ctx context.Context, r trust.Request) (*http.Request, error) {
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w: %w", trust.ErrAddress, err)
	}
	if err := check(u); err != nil {
		return nil, err
	}
	method, body := http.MethodGet, io.Reader(nil)
	if r.Body != nil {
		method, body = http.MethodPost, bytes.NewReader(r.Body)
	}
	q, err := http.NewRequestWithContext(ctx, method, r.URL, body)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w: %w", trust.ErrAddress, err)
	}
	if r.ContentType != "" && r.Body != nil {
		q.Header.Set("Content-Type", r.ContentType)
	}
	if r.Accept != "" {
		q.Header.Set("Accept", r.Accept)
	}
	q.Header.Set("User-Agent", "portti")
	return q, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }
