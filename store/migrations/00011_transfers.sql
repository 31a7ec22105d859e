-- Changes of the present controller or register of series (REK-5, REK-6). No
-- original is touched: documents keep the controller and register of their arrival,
-- series hold the present ones, and these tables tell how one became the other.
-- +goose Up

-- A plan: which series shall go from whom to whom. selection and why are payloads:
-- the ids of single series (empty for all), and who, reason and ground as JSON.
CREATE TABLE transfers (
  seq             INTEGER PRIMARY KEY,
  kind            TEXT    NOT NULL CHECK (kind IN ('transfer', 'move')),
  from_controller TEXT    NOT NULL,
  from_register   TEXT    NOT NULL,
  to_controller   TEXT    NOT NULL,
  to_register     TEXT    NOT NULL,
  at              INTEGER NOT NULL,
  series          INTEGER NOT NULL,
  digest          BLOB    NOT NULL CHECK (length(digest) = 32),
  selection       BLOB    NOT NULL,
  payload         BLOB    NOT NULL,
  leaf            INTEGER NOT NULL
) STRICT;

-- What was done of a plan: it was begun, a part of it was carried out, it is done,
-- or it was dropped before it was begun.
CREATE TABLE transfer_steps (
  seq      INTEGER PRIMARY KEY,
  transfer INTEGER NOT NULL REFERENCES transfers (seq),
  step     TEXT    NOT NULL CHECK (step IN ('begun', 'part', 'done', 'dropped')),
  at       INTEGER NOT NULL,
  series   INTEGER NOT NULL,
  digest   BLOB    NOT NULL CHECK (length(digest) = 32),
  actor    BLOB    NOT NULL,
  leaf     INTEGER NOT NULL
) STRICT;
CREATE INDEX transfer_steps_transfer ON transfer_steps (transfer, seq);

-- The history of each series: from whom to whom it went, and which version was its
-- newest then.
CREATE TABLE transferred (
  set_id          TEXT    NOT NULL REFERENCES series (set_id),
  step            INTEGER NOT NULL REFERENCES transfer_steps (seq) DEFERRABLE INITIALLY DEFERRED,
  newest          INTEGER NOT NULL REFERENCES documents (seq),
  from_controller TEXT    NOT NULL,
  from_register   TEXT    NOT NULL,
  to_controller   TEXT    NOT NULL,
  to_register     TEXT    NOT NULL,
  PRIMARY KEY (set_id, step)
) STRICT, WITHOUT ROWID;
CREATE INDEX transferred_step ON transferred (step, set_id);

-- +goose StatementBegin
CREATE TRIGGER transfers_keep_update BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfers_keep_delete BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'transfers are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfer_steps_keep_update BEFORE UPDATE ON transfer_steps
BEGIN SELECT RAISE(ABORT, 'transfer_steps are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfer_steps_keep_delete BEFORE DELETE ON transfer_steps
BEGIN SELECT RAISE(ABORT, 'transfer_steps are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transferred_keep_update BEFORE UPDATE ON transferred
BEGIN SELECT RAISE(ABORT, 'transferred is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transferred_keep_delete BEFORE DELETE ON transferred
BEGIN SELECT RAISE(ABORT, 'transferred is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
-- The present controller changes only by a transfer, which is on record first; a
-- new version may bring its register along.
CREATE TRIGGER series_controller BEFORE UPDATE OF controller ON series
WHEN NEW.controller <> OLD.controller AND NOT EXISTS (SELECT 1 FROM transferred t WHERE t.set_id = OLD.set_id
  AND t.newest = OLD.newest AND t.from_controller = OLD.controller AND t.to_controller = NEW.controller)
BEGIN SELECT RAISE(ABORT, 'the controller of a series changes only by a transfer'); END;
-- +goose StatementEnd
