-- What the pages ask for. The message browser finds messages of one device, one
-- service request, one rule, or with a verdict other than the usual one; the rest it
-- reads in order.
-- +goose Up
CREATE INDEX message_log_device  ON message_log (device, seq);
CREATE INDEX message_log_request ON message_log (service_request, seq);
CREATE INDEX message_log_rule    ON message_log (rule, seq)    WHERE rule <> '';
CREATE INDEX message_log_verdict ON message_log (verdict, seq) WHERE verdict <> 'CA';

-- Results of the vendor's workbench, so that a link to one stays good. They are of
-- the test world and no part of the archive proper: they carry no leaf, but a hash.
CREATE TABLE results (
  id      TEXT    PRIMARY KEY,
  at      INTEGER NOT NULL,
  sha256  BLOB    NOT NULL CHECK (length(sha256) = 32),
  payload BLOB    NOT NULL
) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER results_keep_update BEFORE UPDATE ON results
BEGIN SELECT RAISE(ABORT, 'results are never changed'); END;
-- +goose StatementEnd
