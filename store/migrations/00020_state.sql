-- What documents say of client relationships, cases and the client's will: one row
-- for each such document, never changed; the newest version of a series that is not
-- nullified is the one in force. Everything here can be made again from the
-- documents (Store.Reindex). facts is JSON in which clients stand as keys.
-- +goose Up
CREATE TABLE doc_state (
  seq      INTEGER PRIMARY KEY REFERENCES documents (seq),
  -- linked tells that the document names one client by several ids (DOC-10).
  linked   INTEGER NOT NULL CHECK (linked IN (0, 1)),
  -- keys are the state_keys of this document, 16 bytes each.
  keys     BLOB    NOT NULL,
  facts    TEXT    NOT NULL,
  -- CRC-32C over the row, against bit rot.
  checksum INTEGER NOT NULL
) STRICT;

-- One row for every client, case and relationship under which a state is found.
CREATE TABLE state_keys (
  key BLOB    NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
