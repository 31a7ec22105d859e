package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"portti/cda/rules/catalogue"
	"portti/cda/rules/report"
	"portti/gateway/access"
	"portti/gateway/pipeline"
	"portti/gateway/validation"
	"portti/internal/finding"
	"portti/store"
)

// against is an archive that documents are held against, without archiving: one in
// a directory, or one behind a gateway's validation API.
type against struct {
	// try is for a directory: the rest is judged here.
	try func(context.Context, pipeline.Trial) ([]finding.Finding, error)
	// url is for a gateway: it judges everything.
	url  string
	http *http.Client
	done func() error
}

// against opens what --against names.
func (m *Main) against(ctx context.Context, name string, files clientTLS, judge *pipeline.Judge) (*against, error) {
	if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		return newRemote(name, files)
	}
	if _, err := os.Stat(filepath.Join(name, "archive.db")); err != nil {
		return nil, usage(fmt.Errorf("no archive in %s", name), "--against takes the data directory of an archive or a gateway's URL")
	}
	master, err := m.master(name)
	if err != nil {
		return nil, err
	}
	st, err := store.Open(ctx, store.Options{Dir: name, Now: m.Now, Master: master})
	if err != nil {
		return nil, system(err, "where a gateway runs on this archive, use --against with its URL")
	}
	if judge.Organisations == nil { // --data names none: those of the archive count
		judge.Organisations = new(pipeline.Organisations)
		if err := judge.Organisations.LoadOrganisations(ctx, st); err != nil {
			return nil, system(errors.Join(err, st.Close()), "")
		}
	}
	c := &m.config
	known := pipeline.KnownAccess{Profile: c.profile(), World: pipeline.World(c.World), AcceptHealth: c.AcceptHealth, Systems: c.systems(), Organisations: judge.Organisations}
	access := pipeline.NewStateAccess(known, &access.Engine{State: st})
	return &against{
		try: func(ctx context.Context, t pipeline.Trial) ([]finding.Finding, error) {
			return pipeline.Try(ctx, judge, access, st, t)
		},
		done: st.Close,
	}, nil
}

func newRemote(base string, files clientTLS) (*against, error) {
	tc, err := files.config()
	if err != nil {
		return nil, usage(err, "")
	}
	return &against{
		url:  strings.TrimSuffix(base, "/") + validation.Path + "?detail=1&against=" + validation.AgainstArchive,
		http: &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{TLSClientConfig: tc}},
		done: func() error { return nil },
	}, nil
}

// ask has a gateway judge a document with its frame.
func (a *against) ask(ctx context.Context, lang, serviceRequest string, frame, document []byte) (report.Result, error) {
	if !utf8.Valid(frame) || !utf8.Valid(document) {
		return report.Result{}, usage(errors.New("the validation API takes UTF-8 only"), "send the document in a frame, or use --against with a directory")
	}
	body, err := json.Marshal(map[string]string{
		"messageId": "validate", "palveluPyynto": serviceRequest, "level": "1",
		"siirtokehysXml": string(frame), "asiakirjaXml": string(document),
	})
	if err != nil {
		return report.Result{}, system(err, "")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return report.Result{}, usage(err, "")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", lang)
	return a.answer(req)
}

// answer sends a request and reads the result.
func (a *against) answer(req *http.Request) (r report.Result, err error) {
	res, err := a.http.Do(req)
	if err != nil {
		return r, system(err, "is the gateway running?")
	}
	defer func() { _ = res.Body.Close() }()
	const most = 16 << 20
	b, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return r, system(err, "")
	}
	// The files were not sent as a client of that API sends them.
	defer func() { r.Findings = slices.DeleteFunc(r.Findings, ofTheRequest) }()
	if json.Unmarshal(b, &r) != nil || r.Verdict == "" {
		return r, system(fmt.Errorf("HTTP %d without a result", res.StatusCode), "--against takes the address of a gateway, such as http://127.0.0.1:8080")
	}
	return r, nil
}

// ofTheRequest tells of a warning about how a text was carried, which the file's
// owner has no part in.
func ofTheRequest(f catalogue.Resolved) bool {
	return f.Rule == validation.RuleFrameDeclaration || f.Rule == validation.RuleDocumentDeclaration
}
