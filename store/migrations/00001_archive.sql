-- The archive proper: documents and what belongs to them. Times are
-- microseconds since 1970 UTC. Payload columns begin with one byte that names
-- their codec (see payload.go).
-- +goose Up
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Data keys, wrapped by the master key. Empty while encryption is "none".
CREATE TABLE data_keys (
  id         INTEGER PRIMARY KEY,
  controller TEXT    NOT NULL,
  purpose    TEXT    NOT NULL,
  wrapped    BLOB    NOT NULL,
  created    INTEGER NOT NULL,
  retired    INTEGER
) STRICT;

-- One row for every document version. It holds no personal data, so that it can
-- outlive the disposal of the content as its tombstone. Controller and register
-- are those at arrival; the present ones stand in series.
CREATE TABLE documents (
  seq          INTEGER PRIMARY KEY,
  id           TEXT    NOT NULL UNIQUE,
  set_id       TEXT    NOT NULL,
  version      INTEGER NOT NULL CHECK (version >= 1),
  replaces     TEXT    NOT NULL,
  controller   TEXT    NOT NULL,
  register     TEXT    NOT NULL,
  owner        TEXT    NOT NULL,
  sha256       BLOB    NOT NULL CHECK (length(sha256) = 32),
  size         INTEGER NOT NULL,
  frame_sha256 BLOB    NOT NULL CHECK (length(frame_sha256) = 32),
  frame_size   INTEGER NOT NULL,
  facts        BLOB    NOT NULL CHECK (length(facts) = 32),
  arrived      INTEGER NOT NULL,
  device       TEXT    NOT NULL,
  message_id   TEXT    NOT NULL,
  nullifies    INTEGER NOT NULL CHECK (nullifies IN (0, 1)),
  leaf         INTEGER NOT NULL,
  UNIQUE (set_id, version)
) STRICT;

-- Content stands apart from facts: reading facts does not drag bodies along, and
-- disposal removes content without touching the facts.
CREATE TABLE bodies (
  seq     INTEGER PRIMARY KEY REFERENCES documents (seq),
  payload BLOB NOT NULL
) STRICT;
CREATE TABLE frames (
  seq     INTEGER PRIMARY KEY REFERENCES documents (seq),
  payload BLOB NOT NULL
) STRICT;
-- What was answered when the document was archived, for the same answer again.
CREATE TABLE receipts (
  seq     INTEGER PRIMARY KEY REFERENCES documents (seq),
  verdict TEXT NOT NULL,
  payload BLOB NOT NULL
) STRICT;

-- The state of each version series: its newest version, its present controller
-- and register, and whether it is nullified (the document or notice that did so
-- stands in nullifications).
CREATE TABLE series (
  set_id     TEXT    PRIMARY KEY,
  controller TEXT    NOT NULL,
  register   TEXT    NOT NULL,
  newest     INTEGER NOT NULL REFERENCES documents (seq),
  version    INTEGER NOT NULL,
  nullified  INTEGER REFERENCES nullifications (seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE nullifications (
  seq          INTEGER PRIMARY KEY,
  set_id       TEXT    NOT NULL UNIQUE,
  document     INTEGER NOT NULL REFERENCES documents (seq),
  by_document  INTEGER REFERENCES documents (seq),
  reason       TEXT    NOT NULL,
  owner        TEXT    NOT NULL,
  device       TEXT    NOT NULL,
  message_id   TEXT    NOT NULL,
  arrived      INTEGER NOT NULL,
  frame_sha256 BLOB    NOT NULL CHECK (length(frame_sha256) = 32),
  leaf         INTEGER NOT NULL
) STRICT;
-- The content of a nullification: its frame, where it came without a document, and
-- what was answered.
CREATE TABLE notices (
  seq     INTEGER PRIMARY KEY REFERENCES nullifications (seq),
  frame   BLOB NOT NULL,
  verdict TEXT NOT NULL,
  receipt BLOB NOT NULL
) STRICT;

-- Integrity leaves, numbered from 0 without gaps. entry is the hash of a salted
-- record (leaf.go); the salt stands apart so that disposal can destroy it.
CREATE TABLE leaves (
  seq     INTEGER PRIMARY KEY,
  kind    INTEGER NOT NULL,
  subject INTEGER NOT NULL,
  entry   BLOB    NOT NULL CHECK (length(entry) = 32)
) STRICT;
CREATE TABLE salts (
  leaf INTEGER PRIMARY KEY REFERENCES leaves (seq),
  salt BLOB NOT NULL
) STRICT;

-- Tombstones: a row here is what lets content of that document go.
CREATE TABLE disposals (
  seq      INTEGER PRIMARY KEY,
  document INTEGER NOT NULL UNIQUE REFERENCES documents (seq),
  at       INTEGER NOT NULL,
  reason   TEXT    NOT NULL,
  payload  BLOB    NOT NULL,
  leaf     INTEGER NOT NULL
) STRICT;

-- How many documents stand where; kept by the writer, so that counting costs
-- nothing. documents counts all versions, current the newest ones of series that
-- are not nullified.
CREATE TABLE counters (
  controller TEXT    NOT NULL,
  register   TEXT    NOT NULL,
  doc_group  TEXT    NOT NULL,
  documents  INTEGER NOT NULL,
  current    INTEGER NOT NULL,
  nullified  INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  PRIMARY KEY (controller, register, doc_group)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER documents_keep_update BEFORE UPDATE ON documents
BEGIN SELECT RAISE(ABORT, 'documents are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER documents_keep_delete BEFORE DELETE ON documents
BEGIN SELECT RAISE(ABORT, 'documents are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER bodies_keep_update BEFORE UPDATE ON bodies
BEGIN SELECT RAISE(ABORT, 'bodies are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER bodies_keep_delete BEFORE DELETE ON bodies
WHEN NOT EXISTS (SELECT 1 FROM disposals WHERE document = OLD.seq)
BEGIN SELECT RAISE(ABORT, 'bodies are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER frames_keep_update BEFORE UPDATE ON frames
BEGIN SELECT RAISE(ABORT, 'frames are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER frames_keep_delete BEFORE DELETE ON frames
WHEN NOT EXISTS (SELECT 1 FROM disposals WHERE document = OLD.seq)
BEGIN SELECT RAISE(ABORT, 'frames are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER receipts_keep_update BEFORE UPDATE ON receipts
BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER receipts_keep_delete BEFORE DELETE ON receipts
WHEN NOT EXISTS (SELECT 1 FROM disposals WHERE document = OLD.seq)
BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER nullifications_keep_update BEFORE UPDATE ON nullifications
BEGIN SELECT RAISE(ABORT, 'nullifications are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER nullifications_keep_delete BEFORE DELETE ON nullifications
BEGIN SELECT RAISE(ABORT, 'nullifications are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_keep_update BEFORE UPDATE ON notices
BEGIN SELECT RAISE(ABORT, 'notices are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER notices_keep_delete BEFORE DELETE ON notices
WHEN NOT EXISTS (SELECT 1 FROM nullifications n JOIN disposals d ON d.document = n.document WHERE n.seq = OLD.seq)
BEGIN SELECT RAISE(ABORT, 'notices are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_keep_update BEFORE UPDATE ON leaves
BEGIN SELECT RAISE(ABORT, 'leaves are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER leaves_keep_delete BEFORE DELETE ON leaves
BEGIN SELECT RAISE(ABORT, 'leaves are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER salts_keep_update BEFORE UPDATE ON salts
BEGIN SELECT RAISE(ABORT, 'salts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disposals_keep_update BEFORE UPDATE ON disposals
BEGIN SELECT RAISE(ABORT, 'disposals are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disposals_keep_delete BEFORE DELETE ON disposals
BEGIN SELECT RAISE(ABORT, 'disposals are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
-- A salt goes with the content it salts: a document's or a nullification's by
-- disposal, a log row's when the row itself has been purged.
CREATE TRIGGER salts_keep_delete BEFORE DELETE ON salts
WHEN NOT EXISTS (SELECT 1 FROM leaves l JOIN disposals d ON d.document = l.subject
                 WHERE l.seq = OLD.leaf AND l.kind = 1)
 AND NOT EXISTS (SELECT 1 FROM leaves l JOIN nullifications n ON n.seq = l.subject
                 JOIN disposals d ON d.document = n.document WHERE l.seq = OLD.leaf AND l.kind = 4)
 AND NOT EXISTS (SELECT 1 FROM leaves l WHERE l.seq = OLD.leaf AND l.kind = 2
                 AND NOT EXISTS (SELECT 1 FROM usage_log u WHERE u.seq = l.subject))
 AND NOT EXISTS (SELECT 1 FROM leaves l WHERE l.seq = OLD.leaf AND l.kind = 3
                 AND NOT EXISTS (SELECT 1 FROM disclosure_log u WHERE u.seq = l.subject))
BEGIN SELECT RAISE(ABORT, 'salts are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER series_keep_delete BEFORE DELETE ON series
BEGIN SELECT RAISE(ABORT, 'series are never deleted'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER series_forward BEFORE UPDATE ON series
WHEN NEW.version < OLD.version OR NEW.set_id <> OLD.set_id
  OR (OLD.nullified IS NOT NULL AND NEW.nullified IS NOT OLD.nullified)
BEGIN SELECT RAISE(ABORT, 'a series only goes forward'); END;
-- +goose StatementEnd
