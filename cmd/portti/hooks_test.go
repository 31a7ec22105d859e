package main

import (
	"bytes"
	"context"
	"time"

	"portti/conformance/run"
	"portti/gateway/logs"
	"portti/store"
)

// hooks are the control hooks of our own gateway: restarting it, its revocation lists,
// which it has from the beginning, and extracts of its logs.
func (g *restarted) hooks() map[string]run.Hook {
	return map[string]run.Hook{
		"restart":        func(ctx context.Context, _ run.Asked) ([]byte, error) { return nil, g.restart(ctx) },
		"revocation":     func(context.Context, run.Asked) ([]byte, error) { return nil, nil },
		"usage-log":      g.supplied(store.UsageLog),
		"disclosure-log": g.supplied(store.DisclosureLog),
	}
}

// supplied supplies log entries as portti log does.
func (g *restarted) supplied(log store.LogName) run.Hook {
	return func(ctx context.Context, x run.Asked) ([]byte, error) {
		g.mu.Lock() // a restart changes the archive
		defer g.mu.Unlock()
		// The clock of tests stands: what was logged at this moment is supplied from the next on.
		s := logs.Supply{Log: log, Controller: x.Organisation, Filter: store.LogFilter{Client: x.Client}, Format: logs.JSONLines,
			By: store.Actor{ID: "1234", Name: "Anna Arkisto"}, Purpose: "valvonta", Now: g.config.Now().Add(time.Second)}
		var b bytes.Buffer
		_, err := s.Write(ctx, g.now.Store, &b)
		return b.Bytes(), err
	}
}
