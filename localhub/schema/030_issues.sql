CREATE TABLE labels (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  name TEXT NOT NULL COLLATE NOCASE, color TEXT NOT NULL, description TEXT,
  is_default INTEGER NOT NULL DEFAULT 0,
  UNIQUE (repo_id, name)
);
CREATE TABLE milestones (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  number INTEGER NOT NULL, title TEXT NOT NULL, description TEXT,
  state TEXT NOT NULL DEFAULT 'open', creator_id INTEGER NOT NULL REFERENCES accounts,
  due_on TEXT, closed_at TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  UNIQUE (repo_id, number), UNIQUE (repo_id, title)
);
CREATE TABLE issues ( -- pull requests are issues too (is_pull = 1)
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  number INTEGER NOT NULL,
  is_pull INTEGER NOT NULL DEFAULT 0,
  title TEXT NOT NULL, body TEXT,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
  state_reason TEXT,
  author_id INTEGER NOT NULL REFERENCES accounts,
  app_id INTEGER REFERENCES apps,           -- performed_via_github_app
  locked INTEGER NOT NULL DEFAULT 0, lock_reason TEXT,
  milestone_id INTEGER REFERENCES milestones ON DELETE SET NULL,
  comments INTEGER NOT NULL DEFAULT 0,
  closed_at TEXT, closed_by INTEGER REFERENCES accounts,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  touched REAL NOT NULL,                    -- the clock's seconds at the last change, for the lag of search
  UNIQUE (repo_id, number)
);
CREATE INDEX issues_by_state ON issues (repo_id, state, is_pull, id);
CREATE INDEX issues_by_update ON issues (repo_id, updated_at);
CREATE INDEX issues_by_touch ON issues (touched);
CREATE TRIGGER issue_opened AFTER INSERT ON issues WHEN new.state = 'open' BEGIN
  UPDATE repos SET open_issues = open_issues + 1 WHERE id = new.repo_id;
END;
CREATE TRIGGER issue_state AFTER UPDATE OF state ON issues WHEN new.state <> old.state BEGIN
  UPDATE repos SET open_issues = open_issues + CASE new.state WHEN 'open' THEN 1 ELSE -1 END WHERE id = new.repo_id;
END;
CREATE TABLE issue_labels (
  issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE, label_id INTEGER NOT NULL REFERENCES labels ON DELETE CASCADE,
  PRIMARY KEY (issue_id, label_id)
);
CREATE INDEX issue_labels_by_label ON issue_labels (label_id);
CREATE TABLE assignees (
  issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE, account_id INTEGER NOT NULL REFERENCES accounts,
  PRIMARY KEY (issue_id, account_id)
);
CREATE INDEX assignees_by_account ON assignees (account_id);
CREATE TABLE comments ( -- of issues and pull requests; review comments have a table of their own
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  author_id INTEGER NOT NULL REFERENCES accounts,
  app_id INTEGER REFERENCES apps,
  body TEXT NOT NULL,
  minimized TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX comments_by_issue ON comments (issue_id, id);
CREATE TABLE reactions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  subject_type TEXT NOT NULL, subject_id INTEGER NOT NULL,
  account_id INTEGER NOT NULL REFERENCES accounts, content TEXT NOT NULL, created_at TEXT NOT NULL,
  UNIQUE (subject_type, subject_id, account_id, content)
);
CREATE TABLE issue_events ( -- the timeline, in its order; `commented` too
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  event TEXT NOT NULL, actor_id INTEGER REFERENCES accounts, app_id INTEGER REFERENCES apps,
  data TEXT NOT NULL DEFAULT '{}',          -- JSON, what this kind of event has besides
  created_at TEXT NOT NULL
);
CREATE INDEX issue_events_by_issue ON issue_events (issue_id, id);
CREATE TABLE sub_issues (
  child_id INTEGER PRIMARY KEY REFERENCES issues ON DELETE CASCADE,
  parent_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  position REAL NOT NULL
);
CREATE INDEX sub_issues_by_parent ON sub_issues (parent_id, position);
CREATE TABLE dependencies (
  blocked_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  blocking_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  created_at TEXT NOT NULL,
  PRIMARY KEY (blocked_id, blocking_id)
);
CREATE INDEX dependencies_by_blocking ON dependencies (blocking_id);
CREATE TABLE search_index ( -- what search knows of an issue: its state some seconds ago
  issue_id INTEGER PRIMARY KEY REFERENCES issues ON DELETE CASCADE, seen REAL NOT NULL,
  repo_id INTEGER NOT NULL, is_pull INTEGER NOT NULL, state TEXT NOT NULL, author_id INTEGER NOT NULL,
  text TEXT NOT NULL, labels TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX search_index_by_seen ON search_index (seen);
CREATE INDEX search_index_by_repo ON search_index (repo_id, issue_id);
INSERT INTO sqlite_sequence (name, seq) VALUES
  ('issues', 3000000000), ('comments', 4000000000), ('labels', 6000000), ('reactions', 250000000), ('issue_events', 17000000000);
