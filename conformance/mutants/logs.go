package mutants

import (
	"bytes"
	"context"
	"encoding/json"

	"portti/conformance/run"
	"portti/fixtures"
)

// logged supplies a log's entries in a mutant's way; hooks are the sound archive's.
type logged func(ctx context.Context, name string, a run.Asked, hooks map[string]run.Hook) ([]byte, error)

// faulty is a mutant whose logs are at fault, not its answers.
func faulty(name, why string, act logged) *Mutant {
	return &Mutant{Name: name, Why: why, logs: act, likely: tagged("log"), make: stateless((*Exchange).Forward)}
}

// entry is a line of a log.
type entry map[string]json.RawMessage

func (e entry) text(field string) string {
	var s string
	_ = json.Unmarshal(e[field], &s) // what is no text is none
	return s
}

// rewriting is a mutant that changes each entry, or drops it where change tells so.
func rewriting(name, why string, change func(log string, e entry) (keep bool)) *Mutant {
	return faulty(name, why, func(ctx context.Context, log string, a run.Asked, hooks map[string]run.Hook) ([]byte, error) {
		b, err := hooks[log](ctx, a)
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		for l := range bytes.Lines(b) {
			e := entry{}
			if err := json.Unmarshal(l, &e); err != nil {
				return nil, err
			}
			if change(log, e) {
				_ = enc.Encode(e) // a bytes.Buffer takes everything
			}
		}
		return out.Bytes(), nil
	})
}

// lacking is a mutant whose entries lack a fact.
func lacking(name, why, field string) *Mutant {
	return rewriting(name, why, func(_ string, e entry) bool { delete(e, field); return true })
}

// without drops the entries of some actions.
func without(name, why string, actions ...string) *Mutant {
	return rewriting(name, why, func(_ string, e entry) bool {
		for _, a := range actions {
			if e.text("action") == a {
				return false
			}
		}
		return true
	})
}

// logging are mutants of what archives log.
var logging = []*Mutant{
	rewriting("no-usage-log", "archives and answers without a usage-log entry", func(log string, _ entry) bool { return log != "usage-log" }),
	rewriting("no-disclosure-log", "answers without a disclosure-log entry", func(log string, _ entry) bool { return log != "disclosure-log" }),
	without("logs-no-queries", "answers queries without a usage-log entry", "search", "fetch"),
	without("logs-no-archiving", "archives without a usage-log entry", "archive"),
	without("logs-no-nullification", "nullifies without a usage-log entry", "nullify"),
	lacking("log-lacks-user", "its logs do not tell which user", "user"),
	lacking("log-lacks-name", "its logs do not tell the user's name", "userName"),
	lacking("log-lacks-time", "its logs do not tell when", "time"),
	lacking("log-lacks-purpose", "its logs do not tell the purpose", "purpose"),
	lacking("log-lacks-client", "its logs do not tell whose data", "client"),
	lacking("log-lacks-controller", "its logs do not tell of which register", "dataController"),
	lacking("log-lacks-recipient", "its disclosure log does not tell to whom", "recipient"),
	lacking("log-lacks-ground", "its disclosure log does not tell by what right", "ground"),
	rewriting("log-names-itself", "its logs name the archive as user", func(_ string, e entry) bool {
		e["user"] = json.RawMessage(`"archive"`)
		return true
	}),
	rewriting("log-of-another-day", "its logs tell a wrong day", func(_ string, e entry) bool {
		e["time"] = json.RawMessage(`"2020-01-01T00:00:00.000000Z"`)
		return true
	}),
	rewriting("log-hides-refusals", "its logs tell refused attempts as deeds done", func(_ string, e entry) bool { delete(e, "refused"); return true }),
	rewriting("logs-no-refusals", "refused attempts leave no entry", func(_ string, e entry) bool { return e.text("refused") == "" }),
	faulty("log-of-everybody", "supplies the entries of every client", func(ctx context.Context, log string, a run.Asked, hooks map[string]run.Hook) ([]byte, error) {
		a.Client = ""
		return hooks[log](ctx, a)
	}),
	faulty("log-of-every-controller", "supplies one controller's entries to another", func(ctx context.Context, log string, a run.Asked, hooks map[string]run.Hook) ([]byte, error) {
		a.Organisation = fixtures.Default().Organisations[0].OID
		return hooks[log](ctx, a)
	}),
	faulty("use-is-disclosure", "tells every use as a disclosure", func(ctx context.Context, _ string, a run.Asked, hooks map[string]run.Hook) ([]byte, error) {
		return hooks["usage-log"](ctx, a)
	}),
}
