CREATE TABLE statuses (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  sha TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('error', 'failure', 'pending', 'success')),
  context TEXT NOT NULL COLLATE NOCASE,
  description TEXT, target_url TEXT,
  creator_id INTEGER NOT NULL REFERENCES accounts,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX statuses_by_sha ON statuses (repo_id, sha, id);
CREATE TABLE check_suites (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  app_id INTEGER NOT NULL REFERENCES apps,
  head_sha TEXT NOT NULL, head_branch TEXT, before TEXT, after TEXT,
  status TEXT NOT NULL DEFAULT 'queued', conclusion TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX check_suites_by_sha ON check_suites (repo_id, head_sha, id);
CREATE TABLE check_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  suite_id INTEGER NOT NULL REFERENCES check_suites ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  app_id INTEGER NOT NULL REFERENCES apps,
  head_sha TEXT NOT NULL, name TEXT NOT NULL, external_id TEXT NOT NULL DEFAULT '', details_url TEXT,
  status TEXT NOT NULL DEFAULT 'queued', conclusion TEXT,
  started_at TEXT, completed_at TEXT,
  title TEXT, summary TEXT, text TEXT,
  actions TEXT NOT NULL DEFAULT '[]' -- JSON
);
CREATE INDEX check_runs_by_suite ON check_runs (suite_id, id);
CREATE INDEX check_runs_by_sha ON check_runs (repo_id, head_sha, id);
CREATE TABLE check_annotations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id INTEGER NOT NULL REFERENCES check_runs ON DELETE CASCADE,
  path TEXT NOT NULL, start_line INTEGER NOT NULL, end_line INTEGER NOT NULL, start_column INTEGER, end_column INTEGER,
  level TEXT NOT NULL CHECK (level IN ('notice', 'warning', 'failure')),
  message TEXT NOT NULL, title TEXT, raw_details TEXT
);
CREATE INDEX check_annotations_by_run ON check_annotations (run_id, id);
CREATE TABLE workflows (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  path TEXT NOT NULL, name TEXT NOT NULL,
  last_run INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  UNIQUE (repo_id, path)
);
CREATE TABLE workflow_runs (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  workflow_id INTEGER NOT NULL REFERENCES workflows,
  suite_id INTEGER NOT NULL REFERENCES check_suites,
  number INTEGER NOT NULL, attempt INTEGER NOT NULL DEFAULT 1,
  event TEXT NOT NULL, ref TEXT NOT NULL,
  head_branch TEXT, head_sha TEXT NOT NULL,
  checkout_sha TEXT NOT NULL,         -- GITHUB_SHA: for pull_request the merge of head and base
  title TEXT NOT NULL,
  pull_number INTEGER,
  payload TEXT NOT NULL,              -- JSON: the event as the job sees it
  base TEXT NOT NULL,                 -- the root URL that whoever caused the run used
  only_failed INTEGER NOT NULL DEFAULT 0, -- this attempt keeps the jobs that had passed
  cancel_asked INTEGER NOT NULL DEFAULT 0,
  status TEXT NOT NULL DEFAULT 'queued', conclusion TEXT,
  actor_id INTEGER NOT NULL REFERENCES accounts, triggering_actor_id INTEGER NOT NULL REFERENCES accounts,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, started_at TEXT NOT NULL
);
CREATE INDEX workflow_runs_by_repo ON workflow_runs (repo_id, id);
CREATE INDEX workflow_runs_by_sha ON workflow_runs (repo_id, head_sha, id);
CREATE INDEX workflow_runs_open ON workflow_runs (id) WHERE status <> 'completed';
CREATE TABLE workflow_jobs ( -- the id is that of the job's check run, as on GitHub
  id INTEGER PRIMARY KEY REFERENCES check_runs,
  run_id INTEGER NOT NULL REFERENCES workflow_runs ON DELETE CASCADE,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  key TEXT NOT NULL, job_id TEXT NOT NULL, matrix TEXT NOT NULL, -- JSON
  name TEXT NOT NULL, labels TEXT NOT NULL, -- JSON
  status TEXT NOT NULL DEFAULT 'queued', conclusion TEXT,
  steps TEXT NOT NULL DEFAULT '[]', -- JSON
  log TEXT NOT NULL DEFAULT '', summary TEXT NOT NULL DEFAULT '',
  outputs TEXT, -- JSON; NULL when they are not known
  created_at TEXT NOT NULL, started_at TEXT NOT NULL, completed_at TEXT,
  UNIQUE (run_id, attempt, key)
);
CREATE INDEX workflow_jobs_by_run ON workflow_jobs (run_id, attempt, id);
INSERT INTO sqlite_sequence (name, seq) VALUES
  ('statuses', 30000000), ('check_suites', 40000000), ('check_runs', 50000000), ('workflows', 60000), ('workflow_runs', 70000000);
CREATE TABLE workflow_triggers ( -- events that have not been looked at for workflows yet
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  event TEXT NOT NULL, action TEXT,
  sender_id INTEGER NOT NULL REFERENCES accounts,
  payload TEXT NOT NULL, -- JSON
  base TEXT NOT NULL
);
