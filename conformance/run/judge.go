package run

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"portti/cda/frame"
	"portti/conformance/cases"
	"portti/conformance/report"
	"portti/conformance/wire"
	"portti/fixtures"
	"portti/internal/finding"
)

// judged is an answer on its way to a verdict.
type judged struct {
	*Runner
	scene    *scene
	step     *cases.Step
	made     *made // nil where no message was sent
	answer   *wire.Answer
	envelope wire.Envelope
	out      *report.Step
}

// word is the answer in the cases' words.
func (j *judged) word() string {
	a := j.answer
	switch {
	case a.Ack != nil && a.Ack.Code == frame.Accepted:
		return "accepted"
	case a.Ack != nil && a.Ack.Code == frame.Refused:
		return "refused"
	case a.Ack != nil && a.Ack.Code == frame.NotNow:
		return "retry"
	case a.Ack != nil && a.Ack.Code == frame.Answered:
		return "answered"
	case a.Ack != nil && a.Response != nil:
		return "query-error"
	case a.IsFault:
		return "fault"
	}
	return "other"
}

// judge holds the answer against what is expected, and every answer against what
// all answers must be.
func (j *judged) judge() {
	j.tell()
	x := &j.step.Expect
	if j.made != nil {
		j.form()
	}
	if x.Answer != "" {
		j.expectAnswer(x.Answer)
	}
	if x.Status != 0 && j.answer.Status != x.Status {
		j.problem("status", "got", itoa(j.answer.Status), "want", itoa(x.Status))
	}
	if x.Contains != "" && !bytes.Contains(j.answer.Body, []byte(x.Contains)) {
		j.problem("contains", "want", x.Contains)
	}
	j.expectRules(x.Rules)
	j.expectFound(x)
	if x.Like != "" {
		j.expectLike(x.Like)
	}
	if j.answer.Took > j.Slow {
		j.problem("time", "got", j.answer.Took.Round(time.Millisecond).String(), "want", j.Slow.String())
	}
	j.expectPrivacy()
}

func (j *judged) problem(key string, params ...string) { j.fail(j.out, key, params...) }

// tell notes what was expected and what came.
func (j *judged) tell() {
	x, a := &j.step.Expect, j.answer
	j.out.Took = report.Milliseconds(a.Took)
	j.out.Expected = strings.Join(slices.DeleteFunc([]string{x.Answer, strings.Join(x.Rules, " ")}, func(s string) bool { return s == "" }), " ")
	j.out.Got = j.word()
	if j.word() == "other" {
		j.out.Got = "HTTP " + itoa(a.Status)
	}
	if a.Ack == nil {
		for _, r := range a.FaultRules {
			j.out.Findings = append(j.out.Findings, report.Finding{Rule: r, Severity: "error", Text: a.Fault})
		}
		return
	}
	for _, d := range a.Ack.Details {
		j.out.Findings = append(j.out.Findings, report.Finding{Rule: d.Rule, Severity: d.Severity.String(), Text: d.Text, Location: strings.Join(d.Location, " ")})
	}
}

func (j *judged) expectAnswer(want string) {
	if slices.Contains(strings.Split(want, "|"), j.word()) {
		return
	}
	if j.word() == "other" && j.answer.Unread != nil {
		j.problem("not-readable", "why", j.answer.Unread.Error())
	}
	j.problem("answer", "want", want, "got", j.out.Got)
}

// expectRules demands that the answer names rules. An archive that names none of
// the catalogue's is judged by its verdict alone.
func (j *judged) expectRules(want []string) {
	got := j.answer.Rules()
	body := string(j.answer.Body)
	known := len(got) > 0 || strings.Contains(body, "-") && j.made == nil
	for _, r := range want {
		if known && !slices.Contains(got, r) && !(j.answer.Ack == nil && strings.Contains(body, r)) {
			j.problem("rule", "want", r, "got", strings.Join(got, " "))
		}
	}
}

// expectLike demands the answer that an earlier step had: verdict and rules.
func (j *judged) expectLike(name string) {
	m := j.scene.made[name]
	if m == nil || m.answer == nil {
		j.problem("earlier", "want", name)
		return
	}
	then, now := m.answer.summary(), j.summary()
	if then != now {
		j.problem("like", "got", now, "want", then)
	}
}

func (j *judged) summary() string {
	return strings.Join(append([]string{j.word()}, j.answer.Rules()...), " ")
}

// form judges what holds of every answer to a message, whatever its verdict.
func (j *judged) form() {
	a := j.answer
	if a.Unread == nil && a.SOAP != "" && j.envelope.Break == "" {
		if a.SOAP != j.envelope.Version {
			j.problem("soap-version", "got", a.SOAP)
		}
		if want := map[string]string{"1.1": "text/xml", "1.2": "application/soap+xml"}[a.SOAP]; !strings.HasPrefix(strings.ToLower(a.ContentType), want) {
			j.problem("media", "got", a.ContentType)
		}
	}
	if j.envelope.MessageID != "" && a.Ack != nil && a.RelatesTo != j.envelope.MessageID {
		j.problem("relates-to", "got", a.RelatesTo, "want", j.envelope.MessageID)
	}
	if a.Ack != nil {
		j.acknowledgement(a.Ack)
	}
}

// acknowledgement judges a kuittaus (kanta-interface 8).
func (j *judged) acknowledgement(k *frame.Acknowledgement) {
	if j.answer.Status != 200 {
		j.problem("ack-status", "got", itoa(j.answer.Status))
	}
	j.acknowledgementIDs(k)
	sender := attrOf(j.made.frame, "<sender", "root")
	receiver := attrOf(j.made.frame, "<receiver", "root")
	if sender != "" && receiver != "" && (k.Receiver != sender || k.Sender != receiver) {
		j.problem("ack-devices")
	}
	if want := attrOf(j.made.frame, "<processingCode", "code"); want != k.ProcessingCode {
		j.problem("ack-processing", "got", k.ProcessingCode, "want", want)
	}
	errors := ""
	for _, d := range k.Details {
		if d.Severity == finding.Error {
			errors += " " + d.Rule
		}
	}
	switch {
	case (k.Code == frame.Accepted || k.Code == frame.Answered) && errors != "":
		j.problem("error-in-accepted", "got", strings.TrimSpace(errors))
	case k.Code != frame.Accepted && k.Code != frame.Answered && !hasReason(k):
		j.problem("no-reason")
	}
}

// acknowledgementIDs: an id of its own for each, and the message's as target.
func (j *judged) acknowledgementIDs(k *frame.Acknowledgement) {
	if k.Target.Extension != j.made.id {
		j.problem("target", "got", k.Target.Extension, "want", j.made.id)
	}
	if !k.ID.HasValue() || k.CreationTime.IsZero() {
		j.problem("ack-id")
		return
	}
	id := k.ID.Root + " " + k.ID.Extension
	if _, twice := j.acks.LoadOrStore(id, true); twice {
		j.problem("ack-id-twice", "got", id)
	}
}

func hasReason(k *frame.Acknowledgement) bool {
	return slices.ContainsFunc(k.Details, func(d frame.Detail) bool { return strings.TrimSpace(d.Text) != "" })
}

// expectPrivacy: an answer that carries no document gives no identity code away.
func (j *judged) expectPrivacy() {
	if j.made == nil || j.made.doc == nil {
		return
	}
	for _, c := range j.made.doc.Spec.Clients {
		if leaks(j.answer.Body, c) {
			j.problem("personal")
		}
	}
}

func leaks(body []byte, c *fixtures.Client) bool {
	_, id := c.ID()
	return bytes.Contains(body, []byte(id))
}

// attrOf gives an attribute within the first element of that tag.
func attrOf(b []byte, tag, name string) string {
	i := bytes.Index(b, []byte(tag))
	if i < 0 {
		return ""
	}
	return attr(b[i:], name)
}

var packageText = regexp.MustCompile(`(?s)(<text mediaType="multipart/related">).*?(</text>)`)

// withoutPackage is a message for a report: the document's package is left out.
func withoutPackage(b []byte) string {
	return excerpt(packageText.ReplaceAll(b, []byte("$1…$2")))
}

func excerpt(b []byte) string {
	const most = 8 << 10
	if len(b) > most {
		return strings.ToValidUTF8(string(b[:most]), "") + "…"
	}
	return strings.ToValidUTF8(string(b), "·")
}

func itoa(n int) string { return strconv.Itoa(n) }
