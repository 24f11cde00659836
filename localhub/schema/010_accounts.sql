CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  login TEXT NOT NULL COLLATE NOCASE UNIQUE,
  type TEXT NOT NULL CHECK (type IN ('User', 'Organization', 'Bot')),
  name TEXT, email TEXT,
  site_admin INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL
);
CREATE TABLE org_members (
  org_id INTEGER NOT NULL REFERENCES accounts, account_id INTEGER NOT NULL REFERENCES accounts,
  role TEXT NOT NULL CHECK (role IN ('admin', 'member')),
  PRIMARY KEY (org_id, account_id)
);
CREATE TABLE repos (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  owner_id INTEGER NOT NULL REFERENCES accounts,
  name TEXT NOT NULL COLLATE NOCASE,
  description TEXT,
  homepage TEXT,
  private INTEGER NOT NULL DEFAULT 0,
  default_branch TEXT NOT NULL DEFAULT 'main',
  archived INTEGER NOT NULL DEFAULT 0,
  has_issues INTEGER NOT NULL DEFAULT 1,
  allow_merge_commit INTEGER NOT NULL DEFAULT 1,
  allow_squash_merge INTEGER NOT NULL DEFAULT 1,
  allow_rebase_merge INTEGER NOT NULL DEFAULT 1,
  allow_auto_merge INTEGER NOT NULL DEFAULT 0,
  allow_update_branch INTEGER NOT NULL DEFAULT 0,
  delete_branch_on_merge INTEGER NOT NULL DEFAULT 0,
  last_number INTEGER NOT NULL DEFAULT 0, -- of issues and pull requests, which share their numbers
  open_issues INTEGER NOT NULL DEFAULT 0, -- issues and pull requests, as GitHub counts them
  size INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, pushed_at TEXT NOT NULL,
  UNIQUE (owner_id, name)
);
CREATE TABLE repo_redirects ( -- old full names, after a rename or transfer
  full_name TEXT PRIMARY KEY COLLATE NOCASE, repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE
);
CREATE TABLE collaborators (
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE, account_id INTEGER NOT NULL REFERENCES accounts,
  role TEXT NOT NULL CHECK (role IN ('read', 'triage', 'write', 'maintain', 'admin')),
  PRIMARY KEY (repo_id, account_id)
);
CREATE TABLE contributors ( -- who has a commit on the default branch, for author_association
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE, account_id INTEGER NOT NULL REFERENCES accounts,
  PRIMARY KEY (repo_id, account_id)
);
CREATE TABLE apps (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT, external_url TEXT NOT NULL DEFAULT '',
  owner_id INTEGER NOT NULL REFERENCES accounts,
  bot_id INTEGER NOT NULL REFERENCES accounts,
  client_id TEXT NOT NULL UNIQUE, client_secret TEXT NOT NULL,
  public_key TEXT NOT NULL,
  webhook_url TEXT, webhook_secret TEXT, webhook_active INTEGER NOT NULL DEFAULT 1,
  webhook_content_type TEXT NOT NULL DEFAULT 'json',
  permissions TEXT NOT NULL, events TEXT NOT NULL, -- JSON
  public INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE TABLE installations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id INTEGER NOT NULL REFERENCES apps,
  account_id INTEGER NOT NULL REFERENCES accounts,
  repository_selection TEXT NOT NULL CHECK (repository_selection IN ('all', 'selected')),
  permissions TEXT NOT NULL, events TEXT NOT NULL, -- JSON
  suspended_at TEXT, suspended_by INTEGER REFERENCES accounts,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  UNIQUE (app_id, account_id)
);
CREATE TABLE installation_repos (
  installation_id INTEGER NOT NULL REFERENCES installations ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  PRIMARY KEY (installation_id, repo_id)
);
CREATE INDEX installation_repos_by_repo ON installation_repos (repo_id);
CREATE TABLE tokens ( -- only the SHA-256 of a token is kept
  hash TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('pat', 'installation', 'session', 'actions')),
  account_id INTEGER NOT NULL REFERENCES accounts,
  installation_id INTEGER REFERENCES installations ON DELETE CASCADE,
  permissions TEXT,  -- JSON; NULL: all that was granted
  repositories TEXT, -- JSON list of repository ids; NULL: all
  created_at TEXT NOT NULL, expires_at TEXT
);
CREATE TABLE manifests ( -- codes of the App manifest flow
  code TEXT PRIMARY KEY, app_id INTEGER NOT NULL REFERENCES apps, pem TEXT NOT NULL, expires_at TEXT NOT NULL
);
INSERT INTO sqlite_sequence (name, seq) VALUES ('accounts', 1000), ('repos', 500000), ('apps', 20000), ('installations', 7000000);
