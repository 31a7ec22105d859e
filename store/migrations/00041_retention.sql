-- Retention and disposal (hävittäminen): what starts and stops the periods, and
-- the runs that end them. All append-only; each row has its integrity leaf.
-- +goose Up

-- Start events of retention periods. subject is a key (keys.go) over kind of
-- subject, controller and id. The newest row of a kind and subject is in force;
-- one without a day withdraws it. document is the one that told it.
CREATE TABLE events (
  seq        INTEGER PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('case-closed', 'death', 'birth', 'decision-end', 'need-ended')),
  controller TEXT    NOT NULL,
  subject    BLOB    NOT NULL CHECK (length(subject) = 16),
  day        INTEGER,
  document   TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  payload    BLOB    NOT NULL,
  leaf       INTEGER NOT NULL
) STRICT;
CREATE INDEX events_subject ON events (kind, subject, seq);

-- Legal holds: while one is in force nothing it covers is disposed of.
CREATE TABLE holds (
  seq        INTEGER PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('document', 'series', 'case', 'client', 'controller')),
  controller TEXT    NOT NULL,
  subject    BLOB    NOT NULL CHECK (length(subject) = 16),
  at         INTEGER NOT NULL,
  payload    BLOB    NOT NULL,
  leaf       INTEGER NOT NULL
) STRICT;
CREATE INDEX holds_subject ON holds (kind, subject);
CREATE TABLE hold_releases (
  seq     INTEGER PRIMARY KEY,
  hold    INTEGER NOT NULL UNIQUE REFERENCES holds (seq),
  at      INTEGER NOT NULL,
  payload BLOB    NOT NULL,
  leaf    INTEGER NOT NULL
) STRICT;

-- Reviewed runs of disposal: the hash of the plan that was reviewed.
CREATE TABLE disposal_runs (
  seq     INTEGER PRIMARY KEY,
  plan    BLOB    NOT NULL CHECK (length(plan) = 32),
  at      INTEGER NOT NULL,
  payload BLOB    NOT NULL,
  leaf    INTEGER NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER events_keep_update BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_keep_delete BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holds_keep_update BEFORE UPDATE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER holds_keep_delete BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hold_releases_keep_update BEFORE UPDATE ON hold_releases
BEGIN SELECT RAISE(ABORT, 'hold_releases are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER hold_releases_keep_delete BEFORE DELETE ON hold_releases
BEGIN SELECT RAISE(ABORT, 'hold_releases are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disposal_runs_keep_update BEFORE UPDATE ON disposal_runs
BEGIN SELECT RAISE(ABORT, 'disposal_runs are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disposal_runs_keep_delete BEFORE DELETE ON disposal_runs
BEGIN SELECT RAISE(ABORT, 'disposal_runs are append-only'); END;
-- +goose StatementEnd
