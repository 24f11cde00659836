CREATE TABLE ref_promises ( -- refs about to move; a row that outlives its process tells what is still to be told
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  actor_id INTEGER NOT NULL REFERENCES accounts, actor_kind TEXT NOT NULL,
  changes TEXT NOT NULL,                     -- JSON: [[ref, old, new], …]
  pull_id INTEGER REFERENCES pulls ON DELETE CASCADE -- merged by this move
);
CREATE INDEX ref_promises_by_repo ON ref_promises (repo_id);
