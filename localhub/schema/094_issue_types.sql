-- Types of issues belong to organisations; a new one has three of them, made when they are first asked for.
CREATE TABLE issue_types (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  org_id INTEGER NOT NULL REFERENCES accounts,
  name TEXT NOT NULL COLLATE NOCASE, description TEXT, color TEXT NOT NULL DEFAULT 'gray',
  enabled INTEGER NOT NULL DEFAULT 1,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  UNIQUE (org_id, name)
);
ALTER TABLE issues ADD COLUMN type_id INTEGER REFERENCES issue_types ON DELETE SET NULL;
INSERT INTO sqlite_sequence (name, seq) VALUES ('issue_types', 400);
