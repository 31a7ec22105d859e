-- The metadata index. Everything here can be made again from the documents
-- (Store.Reindex), so a new index key or a new column costs no original. What
-- changes after arrival (status, present controller) stands in series alone.
-- +goose Up
CREATE TABLE doc_index (
  seq               INTEGER PRIMARY KEY REFERENCES documents (seq),
  doc_group         TEXT    NOT NULL,
  general_type      TEXT    NOT NULL,
  specific_type     TEXT    NOT NULL,
  phase             TEXT    NOT NULL,
  tasks             TEXT    NOT NULL,
  process           TEXT    NOT NULL,
  service           TEXT    NOT NULL,
  case_id           TEXT    NOT NULL,
  relationship      TEXT    NOT NULL,
  unit              TEXT    NOT NULL,
  organiser         TEXT    NOT NULL,
  provider          TEXT    NOT NULL,
  implementer       TEXT    NOT NULL,
  effective         INTEGER NOT NULL,
  created           INTEGER,
  language          TEXT    NOT NULL,
  format            TEXT    NOT NULL,
  structured_format TEXT    NOT NULL,
  content_spec      TEXT    NOT NULL,
  retention_class   TEXT    NOT NULL,
  software          TEXT    NOT NULL,
  special           INTEGER NOT NULL CHECK (special IN (0, 1)),
  -- keys are the index_keys of this document, 16 bytes each, those of its
  -- clients first.
  clients           INTEGER NOT NULL,
  keys              BLOB    NOT NULL,
  summary           BLOB    NOT NULL,
  -- CRC-32C over the row, against bit rot.
  checksum          INTEGER NOT NULL
) STRICT;

-- One row for every key under which a document is found. A key is a truncated
-- HMAC over its kind and value (keys.go), so one tree serves client, case, task,
-- type and all the rest, newest first.
CREATE TABLE index_keys (
  key       BLOB    NOT NULL,
  effective INTEGER NOT NULL,
  seq       INTEGER NOT NULL,
  PRIMARY KEY (key, effective, seq)
) STRICT, WITHOUT ROWID;
