-- What was looked for by walking through all rows there ever were: jobs that wait, the run of a suite, a file's replies,
-- a repository's artifacts.
CREATE INDEX workflow_jobs_by_status ON workflow_jobs (status);
CREATE INDEX workflow_runs_by_suite ON workflow_runs (suite_id);
CREATE INDEX review_comments_by_parent ON review_comments (in_reply_to) WHERE in_reply_to IS NOT NULL;
CREATE INDEX artifacts_by_repo ON artifacts (repo_id);
