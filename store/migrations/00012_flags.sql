-- Documents that seem to stand in the wrong register (REK-6: a suspected data
-- breach). Each row is a state of a series' case; the newest is in force.
-- +goose Up
CREATE TABLE flags (
  seq        INTEGER PRIMARY KEY,
  set_id     TEXT    NOT NULL REFERENCES series (set_id),
  document   TEXT    NOT NULL,
  controller TEXT    NOT NULL,
  state      TEXT    NOT NULL CHECK (state IN ('suspected', 'reported', 'cleared', 'corrected')),
  rule       TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  -- payload is who and why, as JSON.
  payload    BLOB    NOT NULL,
  leaf       INTEGER NOT NULL
) STRICT;
CREATE INDEX flags_set ON flags (set_id, seq);

-- +goose StatementBegin
CREATE TRIGGER flags_keep_update BEFORE UPDATE ON flags
BEGIN SELECT RAISE(ABORT, 'flags are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER flags_keep_delete BEFORE DELETE ON flags
BEGIN SELECT RAISE(ABORT, 'flags are append-only'); END;
-- +goose StatementEnd
