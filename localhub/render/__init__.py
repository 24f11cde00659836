"""Rows of the database to GitHub's JSON."""
