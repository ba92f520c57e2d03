-- Each entry of the audit log holds the hash of the one before it. Its number in
-- the chain is seq. Entries that are there already are chained by the program,
-- in this same transaction; then nothing may be changed again.

DROP TRIGGER audit_no_update;
ALTER TABLE audit ADD COLUMN role     TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN previous TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash     TEXT NOT NULL DEFAULT '';

-- INSERT OR REPLACE deletes without asking the trigger of deletes.
CREATE TRIGGER audit_once BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND id <> NEW.id)
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END;
