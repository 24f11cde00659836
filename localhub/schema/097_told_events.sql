-- Events of a repository without those of the timeline alone, in the words of the list that asks for them: its count reads no event.
CREATE INDEX issue_events_told ON issue_events (repo_id, id) WHERE event NOT IN ('commented', 'reviewed', 'cross-referenced');
DROP INDEX issue_events_by_repo;
