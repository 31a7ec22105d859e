package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"portti/cda"
	"portti/cda/frame"
	"portti/cda/frame/interactions"
	"portti/fixtures"
	"portti/gateway/soap"
	"portti/store"
)

// 64 clients write versions of the same ten series: of parallel versions one wins and
// the others are told, no version is missing or double, and what was acknowledged is
// there.
func TestARK3_ClientsContendForVersions(t *testing.T) {
	const clients, shared = 64, 10
	g := start(t, nil)
	var roots []*fixtures.Document
	for range shared {
		s := world().Spec(fixtures.Phase1XHTML)
		d := build(t, s)
		g.accepted(world().Frame(d))
		roots = append(roots, d)
	}
	var all sync.WaitGroup
	wrote, told := make([]*fixtures.Document, clients), make([]int, clients)
	faults := make([]error, clients)
	for i := range clients {
		all.Go(func() {
			c := contender{g: g, http: &http.Client{Transport: &http.Transport{}, Timeout: time.Minute}, series: roots[i%shared], n: i}
			defer c.http.CloseIdleConnections()
			wrote[i], told[i], faults[i] = c.write()
		})
	}
	all.Wait()
	if err := errors.Join(faults...); err != nil {
		t.Fatal(err)
	}
	lost := 0
	for _, n := range told {
		lost += n
	}
	t.Logf("%d versions written, %d refused because another came first", clients, lost)
	for i, root := range roots {
		versions, err := g.Store.Series(context.Background(), everything, root.SetID)
		if err != nil {
			t.Fatal(err)
		}
		var ids, want []string
		for n, v := range versions {
			if v.Version != n+1 || n > 0 && v.Replaces != versions[n-1].ID {
				t.Errorf("series %d: version %d replaces %s in place %d", i, v.Version, v.Replaces, n+1)
			}
			ids = append(ids, v.ID)
		}
		want = append(want, root.OID)
		for n := i; n < clients; n += shared {
			want = append(want, wrote[n].OID)
			if !bytes.Equal(g.served(wrote[n].OID), wrote[n].Bytes) {
				t.Errorf("client %d: other bytes than were acknowledged", n)
			}
		}
		slices.Sort(ids)
		slices.Sort(want)
		if !slices.Equal(ids, want) {
			t.Errorf("series %d holds %v, acknowledged were %v", i, ids, want)
		}
	}
}

// contender is one client.
type contender struct {
	g      *gate
	http   *http.Client
	series *fixtures.Document
	n      int
}

// write asks for the newest version and writes the next one until it is taken. told
// counts how often another came first.
func (c *contender) write() (d *fixtures.Document, told int, err error) {
	for range 200 {
		newest, err := c.newest()
		if err != nil {
			return nil, told, err
		}
		s := c.series.Spec
		s.Replaces, s.Serial, s.OID = newest, 0, ""
		s.Effective = s.Effective.Add(time.Duration(newest.Version) * time.Second)
		if d, err = world().Build(s); err != nil {
			return nil, told, err
		}
		r, err := post(c.http, c.g.URL+"/soap", "text/xml", inEnvelope(soap.NS11, world().Frame(d)))
		switch {
		case err != nil:
			return nil, told, err
		case r.ack == nil:
			return nil, told, fmt.Errorf("client %d: %v", c.n, r)
		case r.ack.Code == frame.Accepted:
			return d, told, nil
		case r.detail(store.RuleNotNewest) == nil:
			return nil, told, fmt.Errorf("client %d: %v", c.n, r)
		}
		told++
	}
	return nil, told, fmt.Errorf("client %d never came to its turn", c.n)
}

// newest asks for the newest version over the wire; of the document only id, series and
// version are known.
func (c *contender) newest() (*fixtures.Document, error) {
	a := asking(first(), interactions.QueryMetadata, by(interactions.FieldSeries, c.series.SetID))
	a.MessageID = cda.ID{Root: a.Sender, Extension: fmt.Sprintf("%d%d", c.n, queryNumber.Add(1))}
	var b bytes.Buffer
	if err := frame.WriteQuery(&b, a); err != nil {
		return nil, err
	}
	r, err := post(c.http, c.g.URL+"/soap", "text/xml", inEnvelope(soap.NS11, b.Bytes()))
	if err != nil {
		return nil, err
	}
	req, _, _ := soap.Read(r.header.Get("Content-Type"), "", r.body, soap.Options{})
	got, _ := frame.ReadResponse(req.Tree, req.Body)
	if len(got.Documents) != 1 {
		return nil, fmt.Errorf("client %d: %d newest versions: %s", c.n, len(got.Documents), r.body)
	}
	d := got.Documents[0]
	return &fixtures.Document{OID: d.ID.Root, SetID: d.SetID.Root, Version: d.Version.Value}, nil
}
