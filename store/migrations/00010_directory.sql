-- What the archive knows of organisations: the national register of organisations
-- as imported, joined systems, contracts, registers of controllers. Each row is a
-- version of an entry; the newest of a kind and key is in force, the earlier ones
-- tell what was known when. Nothing here is about clients.
-- +goose Up
CREATE TABLE directory (
  seq     INTEGER PRIMARY KEY,
  kind    TEXT    NOT NULL CHECK (kind IN ('organisations', 'system', 'contract', 'register')),
  key     TEXT    NOT NULL,
  at      INTEGER NOT NULL,
  removed INTEGER NOT NULL CHECK (removed IN (0, 1)),
  sha256  BLOB    NOT NULL CHECK (length(sha256) = 32),
  payload BLOB    NOT NULL,
  -- actor is who made the entry, a payload.
  actor   BLOB    NOT NULL,
  leaf    INTEGER NOT NULL
) STRICT;
CREATE INDEX directory_key ON directory (kind, key, seq);

-- +goose StatementBegin
CREATE TRIGGER directory_keep_update BEFORE UPDATE ON directory
BEGIN SELECT RAISE(ABORT, 'directory is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER directory_keep_delete BEFORE DELETE ON directory
BEGIN SELECT RAISE(ABORT, 'directory is append-only'); END;
-- +goose StatementEnd
