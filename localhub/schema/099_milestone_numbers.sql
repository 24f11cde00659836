-- A number is never given twice, even when the newest milestone was deleted.
ALTER TABLE repos ADD COLUMN last_milestone INTEGER NOT NULL DEFAULT 0;
UPDATE repos SET last_milestone = (SELECT COALESCE(MAX(number), 0) FROM milestones WHERE repo_id = repos.id);
