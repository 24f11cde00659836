-- Forks, and pull requests from them. A head's repository may be gone: its id and owner stay.
ALTER TABLE repos ADD COLUMN parent_id INTEGER REFERENCES repos ON DELETE SET NULL; -- what it was forked from
ALTER TABLE repos ADD COLUMN source_id INTEGER REFERENCES repos ON DELETE SET NULL; -- the first of all of its network
CREATE INDEX repos_by_parent ON repos (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX repos_by_source ON repos (source_id) WHERE source_id IS NOT NULL;
ALTER TABLE pulls ADD COLUMN head_repo_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pulls ADD COLUMN head_owner_id INTEGER NOT NULL DEFAULT 0;
UPDATE pulls SET head_repo_id = repo_id, head_owner_id = (SELECT owner_id FROM repos WHERE id = repo_id);
DROP INDEX pulls_by_head;
CREATE INDEX pulls_by_head ON pulls (head_repo_id, head_ref) WHERE open;
