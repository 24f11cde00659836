-- A call costs the same in a repository of ten issues and of 20,000: each order and filter of lists has an index that
-- finds a page without sorting and counts the whole without reading issues.
CREATE INDEX issues_in_order ON issues (repo_id, state, number);
CREATE INDEX issues_by_state_update ON issues (repo_id, state, updated_at);
CREATE INDEX issues_by_comments ON issues (repo_id, state, comments);
CREATE INDEX issues_by_author ON issues (repo_id, author_id, state, number);
CREATE INDEX issues_by_milestone ON issues (repo_id, milestone_id, state, number);
CREATE INDEX issues_of_milestone ON issues (milestone_id, state) WHERE milestone_id IS NOT NULL;

CREATE TABLE issue_facets ( -- labels and assignees of issues once more, in the order of lists; only triggers write it
  kind TEXT NOT NULL CHECK (kind IN ('label', 'assignee', 'unassigned')), -- of 'unassigned' the value is 0
  repo_id INTEGER NOT NULL, value INTEGER NOT NULL, state TEXT NOT NULL, issue_id INTEGER NOT NULL,
  PRIMARY KEY (kind, repo_id, value, state, issue_id)
) WITHOUT ROWID;
CREATE INDEX issue_facets_of_people ON issue_facets (value, state, issue_id) WHERE kind = 'assignee';
INSERT INTO issue_facets SELECT 'label', i.repo_id, x.label_id, i.state, i.id FROM issue_labels x JOIN issues i ON i.id = x.issue_id;
INSERT INTO issue_facets SELECT 'assignee', i.repo_id, x.account_id, i.state, i.id FROM assignees x JOIN issues i ON i.id = x.issue_id;
INSERT INTO issue_facets
  SELECT 'unassigned', repo_id, 0, state, id FROM issues WHERE id NOT IN (SELECT issue_id FROM assignees);
CREATE TRIGGER facet_issue AFTER INSERT ON issues BEGIN
  INSERT INTO issue_facets VALUES ('unassigned', new.repo_id, 0, new.state, new.id);
END;
CREATE TRIGGER facet_state AFTER UPDATE OF state ON issues WHEN new.state <> old.state BEGIN
  UPDATE issue_facets SET state = new.state WHERE kind = 'label' AND repo_id = old.repo_id
    AND value IN (SELECT label_id FROM issue_labels WHERE issue_id = old.id) AND state = old.state AND issue_id = old.id;
  UPDATE issue_facets SET state = new.state WHERE kind = 'assignee' AND repo_id = old.repo_id
    AND value IN (SELECT account_id FROM assignees WHERE issue_id = old.id) AND state = old.state AND issue_id = old.id;
  UPDATE issue_facets SET state = new.state
    WHERE kind = 'unassigned' AND repo_id = old.repo_id AND value = 0 AND state = old.state AND issue_id = old.id;
END;
CREATE TRIGGER facet_gone BEFORE DELETE ON issues BEGIN -- before the rows that it is found by are gone
  DELETE FROM issue_facets WHERE kind = 'label' AND repo_id = old.repo_id
    AND value IN (SELECT label_id FROM issue_labels WHERE issue_id = old.id) AND state = old.state AND issue_id = old.id;
  DELETE FROM issue_facets WHERE kind = 'assignee' AND repo_id = old.repo_id
    AND value IN (SELECT account_id FROM assignees WHERE issue_id = old.id) AND state = old.state AND issue_id = old.id;
  DELETE FROM issue_facets
    WHERE kind = 'unassigned' AND repo_id = old.repo_id AND value = 0 AND state = old.state AND issue_id = old.id;
END;
CREATE TRIGGER facet_labelled AFTER INSERT ON issue_labels BEGIN
  INSERT INTO issue_facets SELECT 'label', repo_id, new.label_id, state, id FROM issues WHERE id = new.issue_id;
END;
CREATE TRIGGER facet_unlabelled AFTER DELETE ON issue_labels BEGIN
  DELETE FROM issue_facets WHERE kind = 'label' AND repo_id = (SELECT repo_id FROM issues WHERE id = old.issue_id)
    AND value = old.label_id AND state IN ('open', 'closed') AND issue_id = old.issue_id;
END;
CREATE TRIGGER facet_assigned AFTER INSERT ON assignees BEGIN
  INSERT INTO issue_facets SELECT 'assignee', repo_id, new.account_id, state, id FROM issues WHERE id = new.issue_id;
  DELETE FROM issue_facets WHERE kind = 'unassigned' AND repo_id = (SELECT repo_id FROM issues WHERE id = new.issue_id)
    AND value = 0 AND state IN ('open', 'closed') AND issue_id = new.issue_id;
END;
CREATE TRIGGER facet_unassigned AFTER DELETE ON assignees BEGIN
  DELETE FROM issue_facets WHERE kind = 'assignee' AND repo_id = (SELECT repo_id FROM issues WHERE id = old.issue_id)
    AND value = old.account_id AND state IN ('open', 'closed') AND issue_id = old.issue_id;
  INSERT INTO issue_facets SELECT 'unassigned', repo_id, 0, state, id FROM issues
    WHERE id = old.issue_id AND NOT EXISTS (SELECT 1 FROM assignees WHERE issue_id = old.issue_id);
END;

ALTER TABLE comments ADD COLUMN repo_id INTEGER; -- of the issue
UPDATE comments SET repo_id = (SELECT repo_id FROM issues WHERE id = issue_id);
CREATE INDEX comments_by_repo ON comments (repo_id, id);
CREATE INDEX comments_by_repo_update ON comments (repo_id, updated_at);
ALTER TABLE issue_events ADD COLUMN repo_id INTEGER; -- of the issue
UPDATE issue_events SET repo_id = (SELECT repo_id FROM issues WHERE id = issue_id);
CREATE INDEX issue_events_by_repo ON issue_events (repo_id, id, event);
DROP INDEX issue_events_by_issue;
CREATE INDEX issue_events_by_issue ON issue_events (issue_id, id, event);

-- Search looks at what has changed since it last looked, and finds words by their trigrams.
CREATE TABLE search_stale ( -- issues that search does not know as they are; `since` is the clock at the last change
  issue_id INTEGER PRIMARY KEY REFERENCES issues ON DELETE CASCADE, since REAL NOT NULL
);
INSERT INTO search_stale SELECT i.id, i.touched FROM issues i LEFT JOIN search_index x ON x.issue_id = i.id
  WHERE x.seen IS NULL OR x.seen < i.touched;
CREATE TRIGGER search_new AFTER INSERT ON issues BEGIN
  INSERT INTO search_stale VALUES (new.id, new.touched);
END;
CREATE TRIGGER search_changed AFTER UPDATE OF touched ON issues BEGIN
  INSERT OR REPLACE INTO search_stale VALUES (new.id, new.touched);
END;
DROP INDEX issues_by_touch;
DROP INDEX search_index_by_seen;
CREATE INDEX search_index_by_state ON search_index (repo_id, state, issue_id);
CREATE VIRTUAL TABLE search_words USING fts5 (text, labels, content = 'search_index', content_rowid = 'issue_id', tokenize = 'trigram', detail = full);
INSERT INTO search_words (search_words) VALUES ('rebuild');
CREATE TRIGGER search_words_new AFTER INSERT ON search_index BEGIN
  INSERT INTO search_words (rowid, text, labels) VALUES (new.issue_id, new.text, new.labels);
END;
CREATE TRIGGER search_words_gone AFTER DELETE ON search_index BEGIN
  INSERT INTO search_words (search_words, rowid, text, labels) VALUES ('delete', old.issue_id, old.text, old.labels);
END;
