package run

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/wire"

	"github.com/google/uuid"
)

// step runs one step.
func (r *Runner) step(ctx context.Context, s *scene, x *cases.Step) report.Step {
	switch x.Do {
	case "together":
		return r.together(ctx, s, x)
	case "http":
		return r.exchange(ctx, s, x, nil, plainRequest(r.client, x))
	case "wsdl":
		return r.exchange(ctx, s, x, nil, wire.Request{Method: http.MethodGet, Path: r.client.SOAP + "?wsdl"})
	case "control":
		return r.control(ctx, x)
	case "log":
		return r.log(ctx, s, x)
	case "query":
		return r.query(ctx, s, x)
	case "validate":
		return r.validate(ctx, s, x)
	}
	m, err := s.make(x)
	if err != nil {
		return r.unmade(x, err)
	}
	if x.As != "" {
		s.made[x.As] = m
	}
	return r.message(ctx, s, x, m)
}

func (r *Runner) unmade(x *cases.Step, err error) report.Step {
	return report.Step{Say: x.Say, Setup: x.Setup, Verdict: report.Blocked, Problems: []report.Problem{r.problem("make", "why", err.Error())}}
}

// message sends a message by its step's transport and judges the answer.
func (r *Runner) message(ctx context.Context, s *scene, x *cases.Step, m *made) report.Step {
	e := envelope(x)
	sender := attrOf(m.frame, "<sender", "root")
	c := r.systems[sender]
	switch {
	case len(r.systems) == 0 || sender == "":
		c = r.client
	case c == nil:
		return report.Step{Say: x.Say, Setup: x.Setup, Verdict: report.NotJudged, Problems: []report.Problem{r.problem("no-system", "want", r.titled(sender))}}
	}
	return r.exchangeAs(ctx, s, x, m, c, c.Message(m.frame, e), e)
}

// titled is an organisation's OID with its title.
func (r *Runner) titled(oid string) string {
	for _, o := range r.World.Organisations {
		if o.OID == oid {
			return oid + " (" + o.Title + ")"
		}
	}
	return oid
}

func envelope(x *cases.Step) wire.Envelope {
	t := &x.Transport
	e := wire.Envelope{Version: t.SOAP, Action: t.Action, Prefix: t.Prefix, UTF16: t.Encoding == "utf-16", Break: t.Break}
	if e.Version == "" {
		e.Version = "1.1"
	}
	if t.Addressing {
		e.MessageID = "urn:uuid:" + uuid.NewString()
	}
	return e
}

func (r *Runner) exchange(ctx context.Context, s *scene, x *cases.Step, m *made, q wire.Request) report.Step {
	return r.exchangeAs(ctx, s, x, m, r.client, q, wire.Envelope{})
}

func (r *Runner) exchangeAs(ctx context.Context, s *scene, x *cases.Step, m *made, c *wire.Client, q wire.Request, e wire.Envelope) report.Step {
	st := report.Step{Say: x.Say, Setup: x.Setup, Verdict: report.Passed}
	a, err := c.Do(ctx, q)
	if err != nil {
		st.Expected = x.Expect.Answer
		r.fail(&st, "no-answer", "why", err.Error())
		return st
	}
	j := &judged{Runner: r, scene: s, step: x, made: m, answer: a, envelope: e, out: &st}
	j.judge()
	if m != nil && m.answer == nil {
		m.answer = j
	}
	if st.Verdict == report.Failed {
		st.Message, st.Answer = withoutPackage(q.Body), excerpt(a.Body)
	}
	return st
}

func (r *Runner) fail(st *report.Step, key string, params ...string) {
	st.Verdict = report.Failed
	st.Problems = append(st.Problems, r.problem(key, params...))
}

func plainRequest(c *wire.Client, x *cases.Step) wire.Request {
	h := http.Header{}
	q := wire.Request{Method: x.HTTP.Method, Path: x.HTTP.Path, Header: h, Body: []byte(x.HTTP.Body)}
	if q.Path == "" {
		q.Path = c.SOAP
	}
	if x.HTTP.ContentType != "" {
		h.Set("Content-Type", x.HTTP.ContentType)
	}
	if n := x.HTTP.Fill; n > 0 {
		q.Body = []byte(strings.Repeat(" ", n))
	}
	return q
}

// together makes all parts first and sends them at once.
func (r *Runner) together(ctx context.Context, s *scene, x *cases.Step) report.Step {
	list := make([]*made, len(x.Parts))
	for i := range x.Parts {
		m, err := s.make(&x.Parts[i])
		if err != nil {
			return r.unmade(x, err)
		}
		if list[i] = m; x.Parts[i].As != "" {
			s.made[x.Parts[i].As] = m
		}
	}
	steps := make([]report.Step, len(list))
	answers := make([]*made, len(list))
	var wg sync.WaitGroup
	for i, m := range list {
		one := *m
		one.answer = nil
		answers[i] = &one
		wg.Go(func() { steps[i] = r.message(ctx, s, &x.Parts[i], &one) })
	}
	wg.Wait()
	return r.sum(x, list, answers, steps)
}

// sum judges what was sent together.
func (r *Runner) sum(x *cases.Step, list, answers []*made, steps []report.Step) report.Step {
	st := report.Step{Say: x.Say, Verdict: report.Passed}
	accepted := 0
	var got []string
	for i, p := range steps {
		st.Took = max(st.Took, p.Took)
		st.Problems = append(st.Problems, p.Problems...)
		if p.Verdict != report.Passed {
			st.Verdict, st.Message, st.Answer = p.Verdict, p.Message, p.Answer
		}
		got = append(got, p.Got)
		if a := answers[i].answer; a != nil {
			list[i].answer = a
			if a.word() == "accepted" {
				accepted++
			}
		}
	}
	st.Got = strings.Join(got, "; ")
	if want := x.Expect.Accepted; want != nil {
		st.Expected = strconv.Itoa(*want) + " accepted"
		if accepted != *want {
			r.fail(&st, "together", "got", strconv.Itoa(accepted), "want", strconv.Itoa(*want))
		}
	}
	return st
}

func (r *Runner) control(ctx context.Context, x *cases.Step) report.Step {
	st := report.Step{Say: x.Say, Verdict: report.Passed}
	hook := r.Hooks[x.As]
	if hook == nil {
		st.Verdict = report.NotJudged
		st.Problems = append(st.Problems, r.problem("no-hook", "want", x.As))
		return st
	}
	if _, err := hook(ctx, Asked{}); err != nil {
		r.fail(&st, "hook-failed", "want", x.As, "why", err.Error())
		st.Verdict = report.Blocked
	}
	return st
}

// validationPath is where documents are validated without archiving
// (kanta-interface 1.1).
const validationPath = "/shark-validointi/validoi/asiakirja/tulos"

func (r *Runner) validate(ctx context.Context, s *scene, x *cases.Step) report.Step {
	m, err := s.make(x)
	if err != nil {
		return r.unmade(x, err)
	}
	s.made[x.As] = m
	body, err := json.Marshal(map[string]any{
		"messageId": m.id, "palveluPyynto": serviceRequest(m.frame), "level": 1,
		"siirtokehysXml": string(m.frame), "asiakirjaXml": string(m.doc.Bytes),
	})
	if err != nil {
		return r.unmade(x, err)
	}
	q := wire.Request{Method: http.MethodPost, Path: validationPath, Header: http.Header{"Content-Type": {"application/json"}}, Body: body}
	return r.exchange(ctx, s, x, nil, q)
}

// serviceRequest is the frame's palvelupyyntö: the first reasonCode of the control act.
func serviceRequest(frame []byte) string {
	_, rest, _ := strings.Cut(string(frame), "<reasonCode ")
	_, rest, _ = strings.Cut(rest, `code="`)
	v, _, _ := strings.Cut(rest, `"`)
	return v
}
