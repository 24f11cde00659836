CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  guid TEXT NOT NULL,
  app_id INTEGER NOT NULL REFERENCES apps,
  installation_id INTEGER, repo_id INTEGER,
  event TEXT NOT NULL, action TEXT,
  payload TEXT NOT NULL,
  url TEXT NOT NULL,
  redelivery INTEGER NOT NULL DEFAULT 0,
  queued_at TEXT NOT NULL,
  delivered_at TEXT,             -- NULL while it waits
  duration REAL, status TEXT, status_code INTEGER,
  request_headers TEXT, response_headers TEXT, response_body TEXT
);
CREATE INDEX deliveries_pending ON deliveries (id) WHERE delivered_at IS NULL;
CREATE INDEX deliveries_by_app ON deliveries (app_id, id);
CREATE INDEX deliveries_by_guid ON deliveries (guid);
INSERT INTO sqlite_sequence (name, seq) VALUES ('deliveries', 90000000);
