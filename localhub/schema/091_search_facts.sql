-- What qualifiers of a search ask for besides words, state, author and labels: JSON, made by localhub.issuefacts.
ALTER TABLE search_index ADD COLUMN facts TEXT NOT NULL DEFAULT '{}';
INSERT OR REPLACE INTO search_stale SELECT id, touched FROM issues;
