-- A run is a graph of jobs, each of which runs by itself.
ALTER TABLE workflow_jobs ADD COLUMN tolerated INTEGER NOT NULL DEFAULT 0;  -- `continue-on-error`
ALTER TABLE workflow_jobs ADD COLUMN fail_fast INTEGER NOT NULL DEFAULT 1;
ALTER TABLE workflow_jobs ADD COLUMN parallel INTEGER NOT NULL DEFAULT 256; -- `max-parallel` of its matrix
ALTER TABLE workflow_jobs ADD COLUMN concurrency TEXT;                      -- the group of the job's own `concurrency`
ALTER TABLE workflow_jobs ADD COLUMN cancel TEXT;                           -- why it is to end before its time
CREATE INDEX workflow_jobs_open ON workflow_jobs (id) WHERE status <> 'completed';
ALTER TABLE workflow_runs ADD COLUMN kept TEXT NOT NULL DEFAULT '[]';       -- JSON: jobs of earlier attempts that still count
ALTER TABLE workflow_runs ADD COLUMN from_fork INTEGER NOT NULL DEFAULT 0; -- sees no secrets
CREATE TABLE workflow_attempts ( -- how earlier attempts of a run ended
  run_id INTEGER NOT NULL REFERENCES workflow_runs ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  status TEXT NOT NULL, conclusion TEXT,
  triggering_actor_id INTEGER NOT NULL REFERENCES accounts,
  started_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  PRIMARY KEY (run_id, attempt)
);
CREATE TABLE action_values ( -- variables and secrets of repositories and organisations
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('variable', 'secret')),
  repo_id INTEGER REFERENCES repos ON DELETE CASCADE,
  owner_id INTEGER REFERENCES accounts ON DELETE CASCADE,
  name TEXT NOT NULL, value TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX action_values_by_name ON action_values (kind, coalesce(repo_id, 0), coalesce(owner_id, 0), name);
CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  run_id INTEGER NOT NULL REFERENCES workflow_runs ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name TEXT NOT NULL, size INTEGER NOT NULL, digest TEXT NOT NULL,
  created_at TEXT NOT NULL, expires_at TEXT NOT NULL
);
CREATE INDEX artifacts_by_run ON artifacts (run_id, id);
INSERT INTO sqlite_sequence (name, seq) VALUES ('artifacts', 80000000);
