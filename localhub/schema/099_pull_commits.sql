CREATE TABLE pull_commits ( -- what open pull requests bring: which of them a move of their base concerns
  sha TEXT NOT NULL, -- '' for one that brings too much to list
  pull_id INTEGER NOT NULL REFERENCES pulls ON DELETE CASCADE,
  PRIMARY KEY (sha, pull_id)
) WITHOUT ROWID;
CREATE INDEX pull_commits_by_pull ON pull_commits (pull_id);
INSERT INTO pull_commits SELECT '', id FROM pulls WHERE open;
-- A move of a base touches those alone that were tried or wait.
CREATE INDEX pulls_tried ON pulls (repo_id, base_ref) WHERE open AND mergeable IS NOT NULL;
CREATE INDEX pulls_waiting ON pulls (repo_id, base_ref) WHERE open AND auto_merge IS NOT NULL;
