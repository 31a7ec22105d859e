package gateway

import (
	"context"
	"time"

	"portti/store"

	"github.com/rs/zerolog"
)

// upkeepEvery is how often the retention of logs is looked at.
const upkeepEvery = 24 * time.Hour

// upkeep ends the retention of log rows (usage and disclosure logs 12 years, message
// log 30 days) at once and then once a day, until ctx ends. A purge is recorded, so
// none is made where no row is old enough.
func upkeep(ctx context.Context, st *store.Store, log zerolog.Logger, tick <-chan time.Time) {
	for {
		for _, name := range store.LogNames {
			purge(ctx, st, log, name)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
	}
}

func purge(ctx context.Context, st *store.Store, log zerolog.Logger, name store.LogName) {
	due, err := st.PurgeDue(ctx, name)
	if err != nil || !due {
		if err != nil && ctx.Err() == nil {
			log.Error().Err(err).Str("log", string(name)).Msg("retention of logs")
		}
		return
	}
	n, err := st.Purge(ctx, name, farFuture)
	if ctx.Err() != nil {
		return // taken up at the next start
	}
	log.Info().AnErr("failure", err).Str("log", string(name)).Int64("rows", n).Msg("retention of logs ended")
}

// farFuture asks for all that the archive's own clock allows.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
