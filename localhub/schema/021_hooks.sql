CREATE TABLE hooks ( -- webhooks of repositories; an app's own hook is in its row
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  url TEXT NOT NULL, secret TEXT,
  content_type TEXT NOT NULL DEFAULT 'form', insecure_ssl TEXT NOT NULL DEFAULT '0',
  events TEXT NOT NULL,                      -- JSON; ["*"] for all
  active INTEGER NOT NULL DEFAULT 1,
  last_code INTEGER, last_status TEXT NOT NULL DEFAULT 'unused', last_message TEXT,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX hooks_by_repo ON hooks (repo_id, active);
INSERT INTO sqlite_sequence (name, seq) VALUES ('hooks', 460000000);
ALTER TABLE apps ADD COLUMN webhook_insecure_ssl TEXT NOT NULL DEFAULT '0';
CREATE TABLE deliveries_of_both (            -- of an app (app_id) or of a repository's hook (hook_id)
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  guid TEXT NOT NULL,
  app_id INTEGER REFERENCES apps,
  hook_id INTEGER REFERENCES hooks ON DELETE CASCADE,
  installation_id INTEGER, repo_id INTEGER,
  event TEXT NOT NULL, action TEXT,
  payload TEXT NOT NULL,
  url TEXT NOT NULL,
  redelivery INTEGER NOT NULL DEFAULT 0,
  queued_at TEXT NOT NULL,
  delivered_at TEXT,             -- NULL while it waits
  duration REAL, status TEXT, status_code INTEGER,
  request_headers TEXT, response_headers TEXT, response_body TEXT,
  CHECK ((app_id IS NULL) <> (hook_id IS NULL))
);
INSERT INTO deliveries_of_both
  SELECT id, guid, app_id, NULL, installation_id, repo_id, event, action, payload, url, redelivery, queued_at,
         delivered_at, duration, status, status_code, request_headers, response_headers, response_body FROM deliveries;
DELETE FROM sqlite_sequence WHERE name = 'deliveries_of_both';
INSERT INTO sqlite_sequence (name, seq) SELECT 'deliveries_of_both', seq FROM sqlite_sequence WHERE name = 'deliveries';
DROP TABLE deliveries;
ALTER TABLE deliveries_of_both RENAME TO deliveries;
CREATE INDEX deliveries_pending ON deliveries (id) WHERE delivered_at IS NULL;
CREATE INDEX deliveries_by_app ON deliveries (app_id, id);
CREATE INDEX deliveries_by_hook ON deliveries (hook_id, id) WHERE hook_id IS NOT NULL;
CREATE INDEX deliveries_by_guid ON deliveries (guid);
