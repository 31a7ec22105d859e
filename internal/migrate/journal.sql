CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- What became of each row: built, refused, duplicate.
CREATE TABLE IF NOT EXISTS rows(
  row INTEGER PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, findings TEXT NOT NULL,
  document INTEGER, old_id TEXT NOT NULL);
-- Documents in the order of building; class 1 relationships, 2 cases, 3 old documents.
CREATE TABLE IF NOT EXISTS documents(
  seq INTEGER PRIMARY KEY, class INTEGER NOT NULL, oid TEXT NOT NULL UNIQUE, row INTEGER NOT NULL, content TEXT UNIQUE, old_id TEXT UNIQUE,
  size INTEGER NOT NULL, sha256 BLOB NOT NULL, controller TEXT NOT NULL, written INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS documents_class ON documents(class, seq);
CREATE TABLE IF NOT EXISTS bodies(seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS originals(seq INTEGER, n INTEGER, media_type TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(seq, n));
CREATE TABLE IF NOT EXISTS persons(
  key TEXT PRIMARY KEY, root TEXT NOT NULL, id TEXT NOT NULL, family TEXT NOT NULL, given TEXT NOT NULL, call TEXT NOT NULL,
  born TEXT NOT NULL, gender TEXT NOT NULL, protected INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS persons_id ON persons(id, root);
-- Client numbers whose identity code stands on some row; "" where there are two.
CREATE TABLE IF NOT EXISTS aliases(number TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS relations(
  key TEXT PRIMARY KEY, oid TEXT NOT NULL UNIQUE, document TEXT NOT NULL, person TEXT NOT NULL, controller TEXT NOT NULL, controller_name TEXT NOT NULL,
  unit TEXT NOT NULL, unit_name TEXT NOT NULL, task TEXT NOT NULL, task_name TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cases(
  key TEXT PRIMARY KEY, oid TEXT NOT NULL UNIQUE, document TEXT NOT NULL, person TEXT NOT NULL, relation TEXT NOT NULL, title TEXT NOT NULL,
  controller TEXT NOT NULL, controller_name TEXT NOT NULL, unit TEXT NOT NULL, unit_name TEXT NOT NULL, task TEXT NOT NULL, task_name TEXT NOT NULL,
  opened INTEGER NOT NULL, closed INTEGER NOT NULL) WITHOUT ROWID;
-- What the archive said: archived, rejected, later (to be sent again), or refused before sending.
CREATE TABLE IF NOT EXISTS answers(
  seq INTEGER PRIMARY KEY, state TEXT NOT NULL, verdict TEXT NOT NULL, findings TEXT NOT NULL, message TEXT NOT NULL, acknowledgement TEXT NOT NULL,
  at INTEGER NOT NULL, took_ms INTEGER NOT NULL, attempts INTEGER NOT NULL);
