-- The number of a new issue is counted by the trigger that counts the issue: one change of the repository's row, not two.
DROP TRIGGER issue_made;
CREATE TRIGGER issue_made AFTER INSERT ON issues BEGIN
  UPDATE repos SET last_number = max(last_number, new.number),
    open_issues = open_issues + (new.state = 'open'), closed_issues = closed_issues + (new.state = 'closed'),
    open_pulls = open_pulls + (new.is_pull AND new.state = 'open'),
    closed_pulls = closed_pulls + (new.is_pull AND new.state = 'closed')
    WHERE id = new.repo_id;
  INSERT INTO issue_facets VALUES ('unassigned', new.repo_id, 0, new.state, new.id);
  INSERT INTO issue_counts VALUES ('author', new.author_id, new.repo_id, new.state, 1) ON CONFLICT DO UPDATE SET n = n + 1;
  INSERT INTO search_stale VALUES (new.id, new.touched);
END;
