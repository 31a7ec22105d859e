-- Protection at rest and proof of integrity.
-- +goose Up

-- Each data key once more, wrapped anew: all that a key seals is lost with it.
CREATE TABLE data_key_copies (
  id         INTEGER PRIMARY KEY,
  controller TEXT    NOT NULL,
  purpose    TEXT    NOT NULL,
  wrapped    BLOB    NOT NULL
) STRICT;

-- The Merkle tree over the leaves (RFC 6962): for every 256 nodes of a level that are
-- whole, their hashes and the hash over them. Level 0 is made of leaves, level 1 of
-- the roots of level 0's tiles, and so on.
CREATE TABLE tiles (
  level  INTEGER NOT NULL,
  n      INTEGER NOT NULL,
  root   BLOB    NOT NULL CHECK (length(root) = 32),
  hashes BLOB    NOT NULL CHECK (length(hashes) = 8192),
  PRIMARY KEY (level, n)
) STRICT, WITHOUT ROWID;

-- Signed checkpoints of the tree, as notes.
CREATE TABLE checkpoints (
  size INTEGER PRIMARY KEY,
  root BLOB    NOT NULL CHECK (length(root) = 32),
  at   INTEGER NOT NULL,
  note BLOB    NOT NULL
) STRICT;

-- Time stamps (RFC 3161) of checkpoints.
CREATE TABLE stamps (
  size  INTEGER PRIMARY KEY REFERENCES checkpoints (size),
  at    INTEGER NOT NULL,
  token BLOB    NOT NULL
) STRICT;

-- +goose StatementBegin
CREATE TRIGGER data_keys_keep_delete BEFORE DELETE ON data_keys
BEGIN SELECT RAISE(ABORT, 'data keys are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER data_key_copies_keep_delete BEFORE DELETE ON data_key_copies
BEGIN SELECT RAISE(ABORT, 'data keys are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tiles_keep_update BEFORE UPDATE ON tiles
BEGIN SELECT RAISE(ABORT, 'tiles are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER tiles_keep_delete BEFORE DELETE ON tiles
BEGIN SELECT RAISE(ABORT, 'tiles are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoints_keep_update BEFORE UPDATE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER checkpoints_keep_delete BEFORE DELETE ON checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER stamps_keep_update BEFORE UPDATE ON stamps
BEGIN SELECT RAISE(ABORT, 'stamps are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER stamps_keep_delete BEFORE DELETE ON stamps
BEGIN SELECT RAISE(ABORT, 'stamps are append-only'); END;
-- +goose StatementEnd
