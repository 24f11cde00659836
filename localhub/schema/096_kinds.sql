-- Issues without pull requests, in the order in which GraphQL lists them, are found and counted without sorting.
CREATE INDEX issues_of_kind ON issues (repo_id, is_pull, state);
CREATE INDEX issues_of_kind_in_order ON issues (repo_id, is_pull);
