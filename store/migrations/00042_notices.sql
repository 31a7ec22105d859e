-- Disclosure notices (luovutusilmoitus, LUO-6) that came as FHIR bundles: what was
-- sent, exactly. Kept as long as the disclosure log, whose rows tell what each says.
-- +goose Up
CREATE TABLE filed_bundles (
  seq     INTEGER PRIMARY KEY,
  sha256  BLOB    NOT NULL UNIQUE CHECK (length(sha256) = 32),
  event   INTEGER NOT NULL,
  payload BLOB    NOT NULL
) STRICT;
CREATE INDEX filed_bundles_event ON filed_bundles (event);
-- One row for each notice of a bundle. sha256 is over what the notice says; event
-- is the latest of its bundle, so that all of a bundle ends together.
CREATE TABLE filed_notices (
  seq     INTEGER PRIMARY KEY,
  id      TEXT    NOT NULL UNIQUE,
  owner   TEXT    NOT NULL,
  sha256  BLOB    NOT NULL CHECK (length(sha256) = 32),
  event   INTEGER NOT NULL,
  arrived INTEGER NOT NULL,
  bundle  BLOB    NOT NULL REFERENCES filed_bundles (sha256),
  leaf    INTEGER NOT NULL
) STRICT;
CREATE INDEX filed_notices_event  ON filed_notices (event);
CREATE INDEX filed_notices_bundle ON filed_notices (bundle);

-- +goose StatementBegin
CREATE TRIGGER filed_notices_keep_update BEFORE UPDATE ON filed_notices
BEGIN SELECT RAISE(ABORT, 'filed_notices are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER filed_notices_keep_delete BEFORE DELETE ON filed_notices
WHEN OLD.event >= coalesce((SELECT max(before) FROM purges WHERE log = 'disclosure'), -9223372036854775808)
BEGIN SELECT RAISE(ABORT, 'filed_notices are append-only'); END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER filed_bundles_keep_update BEFORE UPDATE ON filed_bundles
BEGIN SELECT RAISE(ABORT, 'filed_bundles are append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER filed_bundles_keep_delete BEFORE DELETE ON filed_bundles
WHEN OLD.event >= coalesce((SELECT max(before) FROM purges WHERE log = 'disclosure'), -9223372036854775808)
BEGIN SELECT RAISE(ABORT, 'filed_bundles are append-only'); END;
-- +goose StatementEnd

-- As before, and the salt of a notice goes when the notice itself has been purged.
DROP TRIGGER salts_keep_delete;
-- +goose StatementBegin
CREATE TRIGGER salts_keep_delete BEFORE DELETE ON salts
WHEN NOT EXISTS (SELECT 1 FROM leaves l JOIN disposals d ON d.document = l.subject
                 WHERE l.seq = OLD.leaf AND l.kind = 1)
 AND NOT EXISTS (SELECT 1 FROM leaves l JOIN nullifications n ON n.seq = l.subject
                 JOIN disposals d ON d.document = n.document WHERE l.seq = OLD.leaf AND l.kind = 4)
 AND NOT EXISTS (SELECT 1 FROM leaves l WHERE l.seq = OLD.leaf AND l.kind = 2
                 AND NOT EXISTS (SELECT 1 FROM usage_log u WHERE u.seq = l.subject))
 AND NOT EXISTS (SELECT 1 FROM leaves l WHERE l.seq = OLD.leaf AND l.kind = 3
                 AND NOT EXISTS (SELECT 1 FROM disclosure_log u WHERE u.seq = l.subject))
 AND NOT EXISTS (SELECT 1 FROM leaves l WHERE l.seq = OLD.leaf AND l.kind = 45
                 AND NOT EXISTS (SELECT 1 FROM filed_notices u WHERE u.leaf = l.seq))
BEGIN SELECT RAISE(ABORT, 'salts are append-only'); END;
-- +goose StatementEnd
