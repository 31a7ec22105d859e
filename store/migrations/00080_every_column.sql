-- Every value is held against another one: what nothing read goes, and what could
-- change unseen stands twice.
-- +goose Up
ALTER TABLE data_keys DROP COLUMN created;
ALTER TABLE data_key_copies ADD COLUMN retired INTEGER;
UPDATE data_key_copies SET retired = (SELECT retired FROM data_keys k WHERE k.id = data_key_copies.id);

ALTER TABLE results DROP COLUMN at;

DROP TRIGGER stamps_keep_update;
ALTER TABLE stamps DROP COLUMN at;
ALTER TABLE stamps ADD COLUMN copy BLOB NOT NULL DEFAULT x'';
UPDATE stamps SET copy = token;
-- +goose StatementBegin
CREATE TRIGGER stamps_keep_update BEFORE UPDATE ON stamps
BEGIN SELECT RAISE(ABORT, 'stamps are append-only'); END;
-- +goose StatementEnd
