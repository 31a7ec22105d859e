package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/gateway/soap"
	"portti/internal/xmltree"
	"portti/wsdl/client"
	"portti/xmldsig"
	"portti/xmldsig/trust"

	gowsdl "github.com/hooklift/gowsdl/soap"
	"github.com/spf13/pflag"
)

// archiveClient sends frames by the client that is generated from the WSDL.
type archiveClient struct {
	archive client.Archive
	seen    *recorder
}

// recorder is the HTTP client under the generated one; it keeps the octets of the
// last answer, so that they are read by our parser.
type recorder struct {
	http   *http.Client
	status int
	header http.Header
	body   []byte
}

// Do implements gowsdl's HTTPClient.
func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	r.status, r.header, r.body = 0, nil, nil
	req.Close = false // the generated client asks for a connection, and a handshake, a message
	res, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	const most = 128 << 20 // an answer to a query holds documents
	if r.body, err = io.ReadAll(io.LimitReader(res.Body, most)); err != nil {
		return nil, err
	}
	r.status, r.header = res.StatusCode, res.Header
	res.Body = io.NopCloser(bytes.NewReader(r.body))
	return res, nil
}

// clientTLS names the files of a TLS client.
type clientTLS struct{ cert, key, ca string }

func newArchiveClient(url string, files clientTLS) (*archiveClient, error) {
	tc, err := files.config()
	if err != nil {
		return nil, err
	}
	seen := &recorder{http: &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{TLSClientConfig: tc}}}
	return &archiveClient{client.NewArchive(gowsdl.NewClient(url, gowsdl.WithHTTPClient(seen))), seen}, nil
}

// flags declares the flags of a TLS client.
func (f *clientTLS) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.cert, "cert", "", "PEM `FILE` of the client's certificate")
	fs.StringVar(&f.key, "key", "", "PEM `FILE` of its key")
	fs.StringVar(&f.ca, "ca", "", "PEM `FILE` or folder: who issued the server's certificate")
}

func (f clientTLS) config() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	if f.ca != "" {
		certs, err := trust.Load(f.ca)
		if err != nil {
			return nil, err
		}
		c.RootCAs = x509.NewCertPool()
		for _, x := range certs {
			c.RootCAs.AddCert(x)
		}
	}
	return c, nil
}

// answer is what came back: an acknowledgement, an answer to a query, or a fault.
type answer struct {
	ack *frame.Acknowledgement
	// found is the answer to a query, nil for any other.
	found  *frame.Received
	fault  string
	status int
}

var errNoAnswer = errors.New("the answer is neither an acknowledgement nor a fault")

// send sends the frame that is the root of t.
func (c *archiveClient) send(ctx context.Context, t *xmltree.Tree) (*answer, error) {
	content, err := inner(t)
	if err != nil {
		return nil, err
	}
	err = c.call(ctx, t.Local(t.Root()), client.AnyType{InnerXML: content}, t.Attr(t.Root(), "ITSVersion"))
	if c.seen.body == nil {
		if err == nil {
			err = errNoAnswer
		}
		return nil, err
	}
	return c.read()
}

// call calls the operation of a message.
func (c *archiveClient) call(ctx context.Context, name string, content client.AnyType, its string) (err error) {
	switch name {
	case "RCMR_IN200002FI01":
		_, err = c.archive.RCMR_IN200002FI01Context(ctx, &client.RCMR_IN200002FI01{AnyType: content, ITSVersion: its})
	case "RCMR_IN200016FI01":
		_, err = c.archive.RCMR_IN200016FI01Context(ctx, &client.RCMR_IN200016FI01{AnyType: content, ITSVersion: its})
	case "RCMR_IN100002FI01":
		_, err = c.archive.RCMR_IN100002FI01Context(ctx, &client.RCMR_IN100002FI01{AnyType: content, ITSVersion: its})
	case "RCMR_IN100016FI01":
		_, err = c.archive.RCMR_IN100016FI01Context(ctx, &client.RCMR_IN100016FI01{AnyType: content, ITSVersion: its})
	case "RCMR_IN200029FI01":
		_, err = c.archive.RCMR_IN200029FI01Context(ctx, &client.RCMR_IN200029FI01{AnyType: content, ITSVersion: its})
	case "RCMR_IN200031FI01":
		_, err = c.archive.RCMR_IN200031FI01Context(ctx, &client.RCMR_IN200031FI01{AnyType: content, ITSVersion: its})
	case "QUQI_IN000003UV01":
		_, err = c.archive.QUQI_IN000003UV01Context(ctx, &client.QUQI_IN000003UV01{AnyType: content, ITSVersion: its})
	default:
		err = fmt.Errorf("no operation of the service takes %s", name)
	}
	return err
}

// inner gives the content of the root element with every prefix declared inside:
// the inclusive canonical form of its children.
func inner(t *xmltree.Tree) (string, error) {
	if t.Space(t.Root()) != cda.NamespaceHL7 {
		return "", usage(fmt.Errorf("the root element is not of %s", cda.NamespaceHL7), "")
	}
	var b strings.Builder
	c := xmldsig.Canonicalizer{Algorithm: xmldsig.Inclusive10}
	for n := range t.Children(t.Root()) {
		if err := c.Write(&b, t, n); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// read reads the octets that came back.
func (c *archiveClient) read() (*answer, error) {
	req, _, _ := soap.Read(soap.Media11, "", c.seen.body, soap.Options{Limits: xmltree.Limits{Bytes: len(c.seen.body)}})
	if req == nil {
		return nil, fmt.Errorf("%w (HTTP %d)", errNoAnswer, c.seen.status)
	}
	a := &answer{status: c.seen.status}
	if req.Tree.Local(req.Body) == "Fault" {
		a.fault = strings.TrimSpace(req.Tree.Text(req.Tree.Child(req.Body, "", "faultstring")))
		return a, nil
	}
	found, fs := frame.ReadResponse(req.Tree, req.Body)
	if len(fs) > 0 {
		return nil, errNoAnswer
	}
	a.ack = found.Acknowledgement
	if found.Outcome != "" {
		a.found = found
	}
	return a, nil
}
