CREATE TABLE check_preferences (
  repo_id INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  app_id INTEGER NOT NULL REFERENCES apps,
  setting INTEGER NOT NULL, -- whether a push makes a suite for this app
  PRIMARY KEY (repo_id, app_id)
);
