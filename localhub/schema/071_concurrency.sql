ALTER TABLE workflow_runs ADD COLUMN concurrency TEXT; -- the group of the workflow's `concurrency`, NULL without one
CREATE INDEX workflow_runs_by_group ON workflow_runs (repo_id, concurrency) WHERE status <> 'completed';
