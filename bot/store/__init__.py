"""Inbox, aggregates, outbox, ledger: SQLAlchemy Core over SQLite or PostgreSQL, in the database that DBOS uses too."""
