-- What lists and searches say of their length is kept, so that a call costs the same in a repository of ten issues and of
-- 20,000: counting 20,000 entries of an index took longer than the rest of the call.

-- Issues by their state, with pull requests and these alone: what open_issues and open_pulls are for the open ones.
ALTER TABLE repos ADD COLUMN closed_issues INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repos ADD COLUMN closed_pulls INTEGER NOT NULL DEFAULT 0;
UPDATE repos SET closed_issues = (SELECT COUNT(*) FROM issues WHERE repo_id = repos.id AND state = 'closed'),
  closed_pulls = (SELECT COUNT(*) FROM issues WHERE repo_id = repos.id AND is_pull AND state = 'closed');
ALTER TABLE milestones ADD COLUMN open_issues INTEGER NOT NULL DEFAULT 0;
ALTER TABLE milestones ADD COLUMN closed_issues INTEGER NOT NULL DEFAULT 0;
UPDATE milestones SET open_issues = (SELECT COUNT(*) FROM issues WHERE milestone_id = milestones.id AND state = 'open'),
  closed_issues = (SELECT COUNT(*) FROM issues WHERE milestone_id = milestones.id AND state = 'closed');
CREATE TABLE issue_counts ( -- of each author and of each facet; only triggers write it
  kind TEXT NOT NULL, value INTEGER NOT NULL, repo_id INTEGER NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (kind, value, repo_id, state)
) WITHOUT ROWID;
INSERT INTO issue_counts SELECT kind, value, repo_id, state, COUNT(*) FROM issue_facets GROUP BY kind, value, repo_id, state;
INSERT INTO issue_counts SELECT 'author', author_id, repo_id, state, COUNT(*) FROM issues GROUP BY author_id, repo_id, state;

-- One trigger a change of an issue, where there were several.
DROP TRIGGER issue_opened;
DROP TRIGGER issue_state;
DROP TRIGGER issue_deleted;
DROP TRIGGER open_pull_made;
DROP TRIGGER open_pull_state;
DROP TRIGGER open_pull_gone;
DROP TRIGGER facet_issue;
DROP TRIGGER search_new;
CREATE TRIGGER issue_made AFTER INSERT ON issues BEGIN
  UPDATE repos SET open_issues = open_issues + (new.state = 'open'), closed_issues = closed_issues + (new.state = 'closed'),
    open_pulls = open_pulls + (new.is_pull AND new.state = 'open'),
    closed_pulls = closed_pulls + (new.is_pull AND new.state = 'closed')
    WHERE id = new.repo_id;
  INSERT INTO issue_facets VALUES ('unassigned', new.repo_id, 0, new.state, new.id);
  INSERT INTO issue_counts VALUES ('author', new.author_id, new.repo_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO search_stale VALUES (new.id, new.touched);
END;
CREATE TRIGGER issue_made_in_milestone AFTER INSERT ON issues WHEN new.milestone_id IS NOT NULL BEGIN
  UPDATE milestones SET open_issues = open_issues + (new.state = 'open'),
    closed_issues = closed_issues + (new.state = 'closed') WHERE id = new.milestone_id;
END;
CREATE TRIGGER issue_changed AFTER UPDATE OF state, is_pull ON issues
  WHEN new.state <> old.state OR new.is_pull <> old.is_pull BEGIN
  UPDATE repos SET open_issues = open_issues + (new.state = 'open') - (old.state = 'open'),
    closed_issues = closed_issues + (new.state = 'closed') - (old.state = 'closed'),
    open_pulls = open_pulls + (new.is_pull AND new.state = 'open') - (old.is_pull AND old.state = 'open'),
    closed_pulls = closed_pulls + (new.is_pull AND new.state = 'closed') - (old.is_pull AND old.state = 'closed')
    WHERE id = new.repo_id;
  UPDATE issue_counts SET n = n - 1
    WHERE kind = 'author' AND value = old.author_id AND repo_id = old.repo_id AND state = old.state;
  INSERT INTO issue_counts VALUES ('author', new.author_id, new.repo_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER issue_moved AFTER UPDATE OF milestone_id, state ON issues
  WHEN new.milestone_id IS NOT old.milestone_id OR (new.milestone_id IS NOT NULL AND new.state <> old.state) BEGIN
  UPDATE milestones SET open_issues = open_issues - (old.state = 'open'),
    closed_issues = closed_issues - (old.state = 'closed') WHERE id = old.milestone_id;
  UPDATE milestones SET open_issues = open_issues + (new.state = 'open'),
    closed_issues = closed_issues + (new.state = 'closed') WHERE id = new.milestone_id;
END;
CREATE TRIGGER issue_gone AFTER DELETE ON issues BEGIN
  UPDATE repos SET open_issues = open_issues - (old.state = 'open'), closed_issues = closed_issues - (old.state = 'closed'),
    open_pulls = open_pulls - (old.is_pull AND old.state = 'open'),
    closed_pulls = closed_pulls - (old.is_pull AND old.state = 'closed')
    WHERE id = old.repo_id;
  UPDATE issue_counts SET n = n - 1
    WHERE kind = 'author' AND value = old.author_id AND repo_id = old.repo_id AND state = old.state;
  UPDATE milestones SET open_issues = open_issues - (old.state = 'open'),
    closed_issues = closed_issues - (old.state = 'closed') WHERE id = old.milestone_id;
END;
CREATE TRIGGER facet_more AFTER INSERT ON issue_facets BEGIN
  INSERT INTO issue_counts VALUES (new.kind, new.value, new.repo_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER facet_less AFTER DELETE ON issue_facets BEGIN
  UPDATE issue_counts SET n = n - 1
    WHERE kind = old.kind AND value = old.value AND repo_id = old.repo_id AND state = old.state;
END;
CREATE TRIGGER facet_other AFTER UPDATE OF state ON issue_facets BEGIN
  UPDATE issue_counts SET n = n - 1
    WHERE kind = old.kind AND value = old.value AND repo_id = old.repo_id AND state = old.state;
  INSERT INTO issue_counts VALUES (new.kind, new.value, new.repo_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER facet_label_gone AFTER DELETE ON labels BEGIN
  DELETE FROM issue_counts WHERE kind = 'label' AND value = old.id;
END;
CREATE TRIGGER facet_repo_gone AFTER DELETE ON repos BEGIN
  DELETE FROM issue_counts WHERE repo_id = old.id;
END;
DROP INDEX issues_by_state; -- issues_of_kind has the same order
DROP INDEX issues_in_order; -- lists merge the two kinds of issues_of_kind: ids grow with the numbers
DROP INDEX issues_by_author;
CREATE INDEX issues_by_author ON issues (repo_id, author_id, state);
DROP INDEX issues_by_milestone;
CREATE INDEX issues_by_milestone ON issues (repo_id, milestone_id, state);

-- Rows that are only ever added to and deleted: how many there were up to one of them. A reader counts what came since.
CREATE TABLE tallies (
  kind TEXT NOT NULL, repo_id INTEGER NOT NULL, upto INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (kind, repo_id)
) WITHOUT ROWID;
CREATE TRIGGER tally_comment_gone AFTER DELETE ON comments BEGIN
  UPDATE tallies SET n = n - 1 WHERE kind = 'comments' AND repo_id = old.repo_id AND upto >= old.id;
END;
CREATE TRIGGER tally_event_gone AFTER DELETE ON issue_events WHEN old.told BEGIN
  UPDATE tallies SET n = n - 1 WHERE kind = 'events' AND repo_id = old.repo_id AND upto >= old.id;
END;
CREATE TRIGGER tally_repo_gone AFTER DELETE ON repos BEGIN
  DELETE FROM tallies WHERE repo_id = old.id;
END;

-- How many issues search knows of: all (''), of an author (their id), with a label (its name); only triggers write it.
CREATE TABLE search_counts (
  kind TEXT NOT NULL, value TEXT NOT NULL, repo_id INTEGER NOT NULL, is_pull INTEGER NOT NULL, state TEXT NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (kind, value, repo_id, is_pull, state)
) WITHOUT ROWID;
CREATE VIEW search_counted AS
  SELECT issue_id, '' AS kind, '' AS value, repo_id, is_pull, state FROM search_index
  UNION ALL SELECT issue_id, 'author', CAST(author_id AS TEXT), repo_id, is_pull, state FROM search_index
  UNION ALL SELECT issue_id, 'label', l.value, repo_id, is_pull, state FROM search_index x, json_each(x.labels) l;
INSERT INTO search_counts
  SELECT kind, value, repo_id, is_pull, state, COUNT(*) FROM search_counted GROUP BY kind, value, repo_id, is_pull, state;
CREATE TRIGGER search_counted_in AFTER INSERT ON search_index BEGIN
  INSERT INTO search_counts SELECT kind, value, repo_id, is_pull, state, 1 FROM search_counted WHERE issue_id = new.issue_id
    ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER search_counted_out BEFORE DELETE ON search_index BEGIN
  INSERT INTO search_counts SELECT kind, value, repo_id, is_pull, state, -1 FROM search_counted WHERE issue_id = old.issue_id
    ON CONFLICT DO UPDATE SET n = n - 1;
END;
CREATE TRIGGER search_counted_repo_gone AFTER DELETE ON repos BEGIN
  DELETE FROM search_counts WHERE repo_id = old.id;
END;

-- Threads that something was mailed in, which are those that people see, without the many that only follow an issue.
ALTER TABLE threads ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE threads SET told = 1 WHERE id IN (SELECT thread_id FROM notices);
CREATE TRIGGER thread_told AFTER INSERT ON notices BEGIN
  UPDATE threads SET told = 1 WHERE id = new.thread_id AND NOT told;
END;
CREATE INDEX threads_told ON threads (account_id, done, unread, updated_at) WHERE told;
DROP INDEX threads_by_account;
