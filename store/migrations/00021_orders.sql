-- What the archive is told that is no document: that a client was informed
-- (Kanta-informointi) and that a registry-use right is suspended or goes on. One
-- row for each, append-only, with a leaf; client_key is the key of the client's
-- index entries.
-- +goose Up
CREATE TABLE orders (
  seq        INTEGER PRIMARY KEY,
  id         TEXT    NOT NULL, -- its sender's own OID; empty where it came by no message
  kind       TEXT    NOT NULL CHECK (kind IN ('inform', 'suspend', 'resume')),
  client_key BLOB    NOT NULL,
  organiser  TEXT    NOT NULL,
  task       TEXT    NOT NULL,
  unit       TEXT    NOT NULL,
  at         INTEGER NOT NULL,
  arrived    INTEGER NOT NULL,
  recorder   TEXT    NOT NULL,
  payload    BLOB    NOT NULL,
  leaf       INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_client ON orders (client_key, seq);
CREATE UNIQUE INDEX orders_id ON orders (id) WHERE id <> '';

-- +goose StatementBegin
CREATE TRIGGER orders_keep_update BEFORE UPDATE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER orders_keep_delete BEFORE DELETE ON orders
BEGIN SELECT RAISE(ABORT, 'orders are append-only'); END;
-- +goose StatementEnd
