-- Logs. Keys are truncated HMACs (keys.go); the plain names and codes stand only
-- in the payload, which encryption seals.
-- +goose Up

-- Every message that reached the archive and what it was answered. Kept 30 days.
-- checksum is CRC-32C over the row, against bit rot (no leaf: it is not kept).
CREATE TABLE message_log (
  seq             INTEGER PRIMARY KEY,
  arrived         INTEGER NOT NULL,
  message_id      TEXT    NOT NULL,
  device          TEXT    NOT NULL,
  owner           TEXT    NOT NULL,
  interaction     TEXT    NOT NULL,
  service_request TEXT    NOT NULL,
  document_id     TEXT    NOT NULL,
  document        INTEGER,
  outcome         INTEGER NOT NULL,
  verdict         TEXT    NOT NULL,
  rule            TEXT    NOT NULL,
  suspicious      INTEGER NOT NULL CHECK (suspicious IN (0, 1)),
  ack             BLOB    NOT NULL,
  findings        BLOB    NOT NULL,
  raw             BLOB    NOT NULL,
  timings         TEXT    NOT NULL,
  checksum        INTEGER NOT NULL
) STRICT;
CREATE INDEX message_log_message  ON message_log (message_id)  WHERE message_id <> '';
CREATE INDEX message_log_document ON message_log (document_id) WHERE document_id <> '';
CREATE INDEX message_log_arrived  ON message_log (arrived);
CREATE INDEX message_log_suspicious ON message_log (arrived) WHERE suspicious = 1;

-- Usage log (käyttöloki), LOG-1. Kept 12 years.
CREATE TABLE usage_log (
  seq             INTEGER PRIMARY KEY,
  at              INTEGER NOT NULL,
  data_controller TEXT    NOT NULL,
  log_controller  TEXT    NOT NULL,
  client_key      BLOB,
  user_key        BLOB,
  user_name_key   BLOB,
  system          TEXT    NOT NULL,
  document_id     TEXT    NOT NULL,
  action          TEXT    NOT NULL,
  purpose         TEXT    NOT NULL,
  refused         TEXT    NOT NULL,
  payload         BLOB    NOT NULL,
  leaf            INTEGER NOT NULL
) STRICT;
CREATE INDEX usage_log_client     ON usage_log (client_key, at)  WHERE client_key IS NOT NULL;
CREATE INDEX usage_log_user       ON usage_log (user_key, at)    WHERE user_key IS NOT NULL;
CREATE INDEX usage_log_document   ON usage_log (document_id, at) WHERE document_id <> '';
CREATE INDEX usage_log_controller ON usage_log (log_controller, at);

-- Disclosure log (luovutusloki), LOG-2. Kept 12 years.
CREATE TABLE disclosure_log (
  seq             INTEGER PRIMARY KEY,
  at              INTEGER NOT NULL,
  data_controller TEXT    NOT NULL,
  log_controller  TEXT    NOT NULL,
  client_key      BLOB,
  user_key        BLOB,
  recipient       TEXT    NOT NULL,
  document_id     TEXT    NOT NULL,
  purpose         TEXT    NOT NULL,
  ground          TEXT    NOT NULL,
  refused         TEXT    NOT NULL,
  payload         BLOB    NOT NULL,
  leaf            INTEGER NOT NULL
) STRICT;
CREATE INDEX disclosure_log_client     ON disclosure_log (client_key, at)  WHERE client_key IS NOT NULL;
CREATE INDEX disclosure_log_user       ON disclosure_log (user_key, at)    WHERE user_key IS NOT NULL;
CREATE INDEX disclosure_log_document   ON disclosure_log (document_id, at) WHERE document_id <> '';
CREATE INDEX disclosure_log_recipient  ON disclosure_log (recipient, at);
CREATE INDEX disclosure_log_controller ON disclosure_log (log_controller, at);

-- A row here is what lets log rows older than "before" go: the retention of a
-- log ends by a deed that is itself on record.
CREATE TABLE purges (
  seq    INTEGER PRIMARY KEY,
  log    TEXT    NOT NULL CHECK (log IN ('message', 'usage', 'disclosure')),
  before INTEGER NOT NULL,
  at     INTEGER NOT NULL,
  leaf   INTEGER NOT NULL
) STRICT;
CREATE INDEX purges_log ON purges (log, before);

-- +goose StatementBegin
CREATE TRIGGER message_log_keep_update BEFORE UPDATE ON message_log
BEGIN SELECT RAISE(ABORT, 'message_log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER message_log_keep_delete BEFORE DELETE ON message_log
WHEN OLD.arrived >= coalesce((SELECT max(before) FROM purges WHERE log = 'message'), -9223372036854775808)
BEGIN SELECT RAISE(ABORT, 'message_log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_log_keep_update BEFORE UPDATE ON usage_log
BEGIN SELECT RAISE(ABORT, 'usage_log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER usage_log_keep_delete BEFORE DELETE ON usage_log
WHEN OLD.at >= coalesce((SELECT max(before) FROM purges WHERE log = 'usage'), -9223372036854775808)
BEGIN SELECT RAISE(ABORT, 'usage_log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disclosure_log_keep_update BEFORE UPDATE ON disclosure_log
BEGIN SELECT RAISE(ABORT, 'disclosure_log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER disclosure_log_keep_delete BEFORE DELETE ON disclosure_log
WHEN OLD.at >= coalesce((SELECT max(before) FROM purges WHERE log = 'disclosure'), -9223372036854775808)
BEGIN SELECT RAISE(ABORT, 'disclosure_log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purges_keep_update BEFORE UPDATE ON purges
BEGIN SELECT RAISE(ABORT, 'purges are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER purges_keep_delete BEFORE DELETE ON purges
BEGIN SELECT RAISE(ABORT, 'purges are append-only'); END;
-- +goose StatementEnd
