-- Every page of a repository shows how many pull requests are open, and how many issues (open_issues counts both).
ALTER TABLE repos ADD COLUMN open_pulls INTEGER NOT NULL DEFAULT 0;
UPDATE repos SET open_pulls = (SELECT COUNT(*) FROM issues WHERE repo_id = repos.id AND is_pull AND state = 'open');
CREATE TRIGGER open_pull_made AFTER INSERT ON issues WHEN new.is_pull AND new.state = 'open' BEGIN
  UPDATE repos SET open_pulls = open_pulls + 1 WHERE id = new.repo_id;
END;
CREATE TRIGGER open_pull_state AFTER UPDATE OF state, is_pull ON issues
  WHEN (new.is_pull AND new.state = 'open') <> (old.is_pull AND old.state = 'open') BEGIN
  UPDATE repos SET open_pulls = open_pulls + CASE WHEN new.is_pull AND new.state = 'open' THEN 1 ELSE -1 END
    WHERE id = new.repo_id;
END;
CREATE TRIGGER open_pull_gone AFTER DELETE ON issues WHEN old.is_pull AND old.state = 'open' BEGIN
  UPDATE repos SET open_pulls = open_pulls - 1 WHERE id = old.repo_id;
END;
CREATE INDEX notices_by_thread ON notices (thread_id);
