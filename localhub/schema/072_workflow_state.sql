ALTER TABLE workflows ADD COLUMN state TEXT NOT NULL DEFAULT 'active'; -- or disabled_manually
