CREATE TABLE pins ( -- at most three issues of a repository
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  issue_id INTEGER NOT NULL UNIQUE REFERENCES issues ON DELETE CASCADE,
  pinned_by INTEGER NOT NULL REFERENCES accounts
);
CREATE INDEX pins_by_repo ON pins (repo_id);
CREATE TABLE linked_branches ( -- branches made for an issue ("Development" on its page)
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  ref TEXT NOT NULL, -- refs/heads/…
  UNIQUE (issue_id, repo_id, ref)
);
CREATE TABLE deleted_issues ( -- their numbers are never given again and answer 410
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE, number INTEGER NOT NULL,
  PRIMARY KEY (repo_id, number)
);
CREATE TRIGGER issue_deleted AFTER DELETE ON issues WHEN old.state = 'open' BEGIN
  UPDATE repos SET open_issues = open_issues - 1 WHERE id = old.repo_id;
END;
ALTER TABLE comments ADD COLUMN edited_at TEXT;
INSERT INTO sqlite_sequence (name, seq) VALUES ('pins', 400000), ('linked_branches', 700000);
