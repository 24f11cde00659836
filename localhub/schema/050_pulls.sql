CREATE TABLE pulls (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  issue_id INTEGER NOT NULL UNIQUE REFERENCES issues ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  number INTEGER NOT NULL,
  open INTEGER NOT NULL DEFAULT 1,       -- as the issue's state, for the indexes below
  draft INTEGER NOT NULL DEFAULT 0,
  base_ref TEXT NOT NULL, base_sha TEXT NOT NULL, -- branch names without refs/heads/
  head_ref TEXT NOT NULL, head_sha TEXT NOT NULL,
  maintainer_can_modify INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0, merged_at TEXT, merged_by INTEGER REFERENCES accounts,
  merge_commit_sha TEXT,                 -- of the test merge while open, of the real one once merged
  mergeable INTEGER,                     -- NULL: not computed yet
  commits INTEGER NOT NULL DEFAULT 0, additions INTEGER NOT NULL DEFAULT 0,
  deletions INTEGER NOT NULL DEFAULT 0, changed_files INTEGER NOT NULL DEFAULT 0,
  auto_merge TEXT,                       -- JSON: by, method, title, message
  UNIQUE (repo_id, number)
);
CREATE INDEX pulls_by_head ON pulls (repo_id, head_ref) WHERE open;
CREATE INDEX pulls_by_base ON pulls (repo_id, base_ref) WHERE open;
CREATE INDEX pulls_by_head_sha ON pulls (repo_id, head_sha);
CREATE TABLE review_requests (
  pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE, account_id INTEGER NOT NULL REFERENCES accounts,
  PRIMARY KEY (pull_id, account_id)
);
CREATE TABLE reviews (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE,
  user_id INTEGER NOT NULL REFERENCES accounts,
  body TEXT NOT NULL DEFAULT '',
  state TEXT NOT NULL CHECK (state IN ('PENDING', 'APPROVED', 'CHANGES_REQUESTED', 'COMMENTED', 'DISMISSED')),
  commit_id TEXT NOT NULL,
  created_at TEXT NOT NULL, submitted_at TEXT, updated_at TEXT NOT NULL
);
CREATE INDEX reviews_by_pull ON reviews (pull_id, id);
CREATE UNIQUE INDEX reviews_pending ON reviews (pull_id, user_id) WHERE state = 'PENDING';
CREATE TABLE review_threads (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE,
  path TEXT NOT NULL,
  resolved_by INTEGER REFERENCES accounts
);
CREATE INDEX review_threads_by_pull ON review_threads (pull_id, id);
CREATE TABLE review_comments (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE,
  review_id INTEGER NOT NULL REFERENCES reviews ON DELETE CASCADE,
  thread_id INTEGER NOT NULL REFERENCES review_threads ON DELETE CASCADE,
  in_reply_to INTEGER REFERENCES review_comments ON DELETE SET NULL,
  user_id INTEGER NOT NULL REFERENCES accounts,
  body TEXT NOT NULL,
  path TEXT NOT NULL, diff_hunk TEXT NOT NULL,
  commit_id TEXT NOT NULL, original_commit_id TEXT NOT NULL,
  side TEXT NOT NULL DEFAULT 'RIGHT', line INTEGER, original_line INTEGER, -- line and position are NULL once outdated
  start_side TEXT, start_line INTEGER, original_start_line INTEGER,
  position INTEGER, original_position INTEGER NOT NULL DEFAULT 1,
  subject_type TEXT NOT NULL DEFAULT 'line',
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX review_comments_by_pull ON review_comments (pull_id, id);
CREATE INDEX review_comments_by_review ON review_comments (review_id, id);
CREATE INDEX review_comments_by_thread ON review_comments (thread_id, id);
CREATE TABLE protections (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  branch TEXT NOT NULL,
  settings TEXT NOT NULL, -- JSON, as the PUT request has them
  UNIQUE (repo_id, branch)
);
CREATE TABLE rulesets (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  name TEXT NOT NULL, enforcement TEXT NOT NULL DEFAULT 'active',
  conditions TEXT NOT NULL, rules TEXT NOT NULL, bypass_actors TEXT NOT NULL DEFAULT '[]', -- JSON
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX rulesets_by_repo ON rulesets (repo_id);
INSERT INTO sqlite_sequence (name, seq) VALUES
  ('pulls', 1500000), ('reviews', 2500000), ('review_comments', 3500000), ('review_threads', 4500000), ('rulesets', 5500000);
