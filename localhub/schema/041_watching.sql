ALTER TABLE watchers ADD COLUMN ignored INTEGER NOT NULL DEFAULT 0; -- nothing at all of this repository
ALTER TABLE watchers ADD COLUMN created_at TEXT NOT NULL DEFAULT '1970-01-01T00:00:00Z';
ALTER TABLE threads ADD COLUMN done INTEGER NOT NULL DEFAULT 0;     -- put away until something happens
