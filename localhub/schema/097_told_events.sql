-- Events that `/events` tells, unlike those of the timeline alone, so that their count compares no words.
ALTER TABLE issue_events ADD COLUMN told INTEGER NOT NULL DEFAULT 1;
UPDATE issue_events SET told = 0 WHERE event IN ('commented', 'reviewed', 'cross-referenced');
CREATE INDEX issue_events_told ON issue_events (repo_id, told, id);
DROP INDEX issue_events_by_repo;
