"""Alembic's entry: migrates over the connection that `bot.store.database` opened and locked."""

from __future__ import annotations

from alembic import context

from bot.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    version_table="branchwork_schema",
    transactional_ddl=False,  # the caller owns the transaction
)
context.run_migrations()
