-- Hidden review comments and reviews, as comments are: the reason, or NULL.
ALTER TABLE review_comments ADD COLUMN minimized TEXT;
ALTER TABLE reviews ADD COLUMN minimized TEXT;
