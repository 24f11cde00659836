CREATE TABLE threads ( -- one notification thread a person and issue
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id INTEGER NOT NULL REFERENCES accounts,
  issue_id INTEGER NOT NULL REFERENCES issues ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  reason TEXT NOT NULL,
  unread INTEGER NOT NULL DEFAULT 0,
  subscribed INTEGER NOT NULL DEFAULT 1, ignored INTEGER NOT NULL DEFAULT 0,
  latest_comment_id INTEGER,
  updated_at TEXT NOT NULL, last_read_at TEXT, created_at TEXT NOT NULL,
  UNIQUE (account_id, issue_id)
);
CREATE INDEX threads_by_account ON threads (account_id, unread, updated_at);
CREATE INDEX threads_by_issue ON threads (issue_id);
CREATE TABLE notices ( -- each single mail that GitHub would send
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  thread_id INTEGER NOT NULL REFERENCES threads ON DELETE CASCADE,
  account_id INTEGER NOT NULL, repo_id INTEGER NOT NULL, kind TEXT NOT NULL, by_id INTEGER NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX notices_by_account ON notices (account_id, kind);
CREATE TABLE watchers ( -- who hears of everything in a repository
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE, account_id INTEGER NOT NULL REFERENCES accounts,
  PRIMARY KEY (repo_id, account_id)
);
