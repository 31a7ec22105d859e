package codes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CodeServer is the address of the national code server's REST interface.
const CodeServer = "https://koodistopalvelu.kanta.fi/codeserver/csapi/v6"

// Bounds of one import: octets of a page, and pages. The server gives at most 500
// codes a page.
const (
	maxPage  = 64 << 20
	maxPages = 2000
	pageSize = 500
)

// REST fetches code systems from a code server that speaks csapi v6 (kanta-facts-2
// 1.5). It makes one request after the other.
type REST struct {
	// Client makes the requests; it should have a timeout.
	Client *http.Client
	// Base is the address before "/classifications", CodeServer where empty.
	Base string
	// Now tells the time of the import.
	Now func() time.Time
}

// Fetch gets all codes of a code system, of every status, page by page. oid is
// the system's OID, with a version arc for one version of it, without for the
// server's default version. A list that changes while it is fetched is an error:
// fetch again.
func (r *REST) Fetch(ctx context.Context, oid string) (*List, error) {
	if !isOID(oid) {
		return nil, fmt.Errorf("codes: %q is not an OID", oid)
	}
	base := strings.TrimSuffix(r.Base, "/")
	if base == "" {
		base = CodeServer
	}
	var pages [][]byte
	for n, total := 1, 1; n <= total; n++ {
		address := base + "/classifications/" + url.PathEscape(oid) + "/conceptcodes?sortBy=CONCEPTCODEID&pageSize=" +
			strconv.Itoa(pageSize) + "&page=" + strconv.Itoa(n)
		b, err := r.get(ctx, address)
		if err != nil {
			return nil, err
		}
		p, err := parsePage(b)
		if err != nil {
			return nil, fmt.Errorf("codes: %s: %w", address, err)
		}
		if total = p.TotalPages; total > maxPages {
			return nil, fmt.Errorf("codes: %s: %d pages are more than the %d that an import takes", address, total, maxPages)
		}
		pages = append(pages, b)
	}
	l, err := ParsePages(oid, pages)
	if err != nil {
		return nil, err
	}
	l.Source, l.Imported = base, r.Now()
	return l, nil
}

func (r *REST) get(ctx context.Context, address string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	resp, err := r.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("codes: %s answered %s; is the OID right?", address, resp.Status)
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxPage+1))
	if err != nil {
		return nil, fmt.Errorf("codes: %s: %w", address, err)
	}
	if len(b) > maxPage {
		return nil, fmt.Errorf("codes: %s answered more than %d octets", address, maxPage)
	}
	return b, nil
}

// page is one answer of the conceptcodes resource.
type page struct {
	ConceptCodes []conceptCode `json:"conceptCodes"`
	Page         int           `json:"page"`
	TotalItems   int           `json:"totalItems"`
	TotalPages   int           `json:"totalPages"`
}

type conceptCode struct {
	ID         string      `json:"conceptCodeId"`
	Begin      when        `json:"beginDate"`
	Expiration when        `json:"expirationDate"`
	Status     string      `json:"status"`
	Attributes []attribute `json:"attributes"`
}

type attribute struct {
	Name     string `json:"attributeName"`
	Value    texts  `json:"attributeValue"`
	Language string `json:"language"`
}

// texts reads a string or a list of strings.
type texts []string

func (t *texts) UnmarshalJSON(b []byte) error {
	var list []string
	if json.Unmarshal(b, &list) == nil {
		*t = list
		return nil
	}
	var one string
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*t = texts{one}
	return nil
}

// when reads a date or time as text, or milliseconds since 1970.
type when struct{ time.Time }

func (w *when) UnmarshalJSON(b []byte) error {
	var ms int64
	if json.Unmarshal(b, &ms) == nil {
		if ms != 0 {
			w.Time = bound(time.UnixMilli(ms).UTC())
		}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	t, err := parseTime(s)
	w.Time = t
	return err
}

func parsePage(b []byte) (*page, error) {
	var p page
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("not an answer of the code server: %w", err)
	}
	if p.Page < 1 || p.TotalPages < p.Page {
		return nil, fmt.Errorf("page %d of %d; an unknown OID answers so", p.Page, p.TotalPages)
	}
	return &p, nil
}

// ParsePages makes a list of the saved answers of the conceptcodes resource for
// one code system. All pages must be there, in any order.
func ParsePages(oid string, pages [][]byte) (*List, error) {
	var ps []*page
	for i, b := range pages {
		p, err := parsePage(b)
		if err != nil {
			return nil, fmt.Errorf("codes: page file %d: %w", i+1, err)
		}
		ps = append(ps, p)
	}
	slices.SortFunc(ps, func(a, b *page) int { return a.Page - b.Page })
	if err := whole(ps); err != nil {
		return nil, fmt.Errorf("codes: %s: %w", oid, err)
	}
	l := newList(oid)
	for _, p := range ps {
		for _, c := range p.ConceptCodes {
			l.Codes = append(l.Codes, c.code())
		}
	}
	return l.finish()
}

func whole(ps []*page) error {
	if len(ps) == 0 {
		return errors.New("no pages")
	}
	items := 0
	for i, p := range ps {
		if p.Page != i+1 || p.TotalPages != len(ps) {
			return fmt.Errorf("pages 1 to %d are needed, page %d of %d is there", p.TotalPages, p.Page, len(ps))
		}
		if p.TotalItems != ps[0].TotalItems {
			return errors.New("the list changed between its pages; fetch it again")
		}
		items += len(p.ConceptCodes)
	}
	if items != ps[0].TotalItems {
		return fmt.Errorf("%d codes are there of %d", items, ps[0].TotalItems)
	}
	return nil
}

func (c *conceptCode) code() Code {
	out := Code{Code: c.ID, From: c.Begin.Time, To: c.Expiration.Time, Status: c.Status}
	for _, a := range c.Attributes {
		for _, v := range a.Value {
			out.take(a.Name, a.Language, v)
		}
	}
	return out
}
