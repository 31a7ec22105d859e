-- The archive's own signatures (type 4, kanta-interface 7.1) of documents that it
-- signed when it stored them. They stand beside the documents, whose bytes stay
-- what was sent.
-- +goose Up
CREATE TABLE countersignatures (
  seq     INTEGER PRIMARY KEY REFERENCES documents (seq),
  sha256  BLOB NOT NULL CHECK (length(sha256) = 32),
  payload BLOB NOT NULL
) STRICT;
-- +goose StatementBegin
CREATE TRIGGER countersignatures_keep_update BEFORE UPDATE ON countersignatures
BEGIN SELECT RAISE(ABORT, 'countersignatures are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER countersignatures_keep_delete BEFORE DELETE ON countersignatures
WHEN NOT EXISTS (SELECT 1 FROM disposals WHERE document = OLD.seq)
BEGIN SELECT RAISE(ABORT, 'countersignatures are append-only'); END;
-- +goose StatementEnd
