"""The tables. Times are seconds since 1970; JSON is text, so that both databases hold the same bytes."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

aggregates = sa.Table(
    "aggregates",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("installation", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("repo_id", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("repo", sa.Text, nullable=False, server_default=""),
    sa.Column("root", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tree", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text),  # null: its first step has not succeeded yet
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", sa.Text),
    sa.Column("poisoned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("retry_at", sa.Float),
    sa.Column("updated", sa.Float, nullable=False),
    sa.Index("aggregates_tree", "tree"),
    sa.Index("aggregates_retry", "retry_at"),
)

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("received", sa.Float, nullable=False),
    sa.Column("consumed_at", sa.Float),
    sa.UniqueConstraint("kind", "key", "id", name="inbox_fact"),
    sa.Index("inbox_unconsumed", "kind", "key", "seq", sqlite_where=sa.text("consumed_at IS NULL"),
             postgresql_where=sa.text("consumed_at IS NULL")),
    sqlite_autoincrement=True,
)  # fmt: skip

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("owner_kind", sa.Text, nullable=False),
    sa.Column("owner_key", sa.Text, nullable=False),
    sa.Column("installation", sa.BigInteger, nullable=False),
    sa.Column("tree", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("queue", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # pending | started | done | held | failed
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("interruptions", sa.Integer, nullable=False, server_default="0"),  # starts whose end nobody saw
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", sa.Float),  # null while it waits for another held action to find the way free
    sa.Column("dispatches", sa.Integer, nullable=False, server_default="0"),
    sa.Column("dispatched", sa.Float),  # when it was handed to DBOS; null while it waits for its time
    sa.Column("coalesce", sa.Text),
    sa.Column("hold_scope", sa.Text),
    sa.Column("hold_kind", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("result", sa.Text),
    sa.Column("created", sa.Float, nullable=False),
    sa.Column("updated", sa.Float, nullable=False),
    sa.Index("outbox_due", "not_before", sqlite_where=sa.text("dispatched IS NULL"),
             postgresql_where=sa.text("dispatched IS NULL")),
    sa.Index("outbox_open", "dispatched", sqlite_where=sa.text("status IN ('pending','started','held')"),
             postgresql_where=sa.text("status IN ('pending','started','held')")),
    sa.Index("outbox_coalesce", "coalesce"),
    sa.Index("outbox_tree", "tree", "status"),
    sa.Index("outbox_hold", "hold_scope", "hold_kind"),
)  # fmt: skip

routes = sa.Table(
    "routes",
    metadata,
    sa.Column("repo_id", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("to_kind", sa.Text, nullable=False),
    sa.Column("to_key", sa.Text, nullable=False),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("guid", sa.Text, primary_key=True),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("received", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),  # handled | ignored
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tree", sa.Text, nullable=False),
    sa.Column("node", sa.Text, nullable=False),
    sa.Column("attempt", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("input_tokens", sa.BigInteger, nullable=False),
    sa.Column("output_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("dollars", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("ledger_tree", "tree"),
)

creations = sa.Table(
    "creations",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("installation", sa.BigInteger, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Index("creations_recent", "installation", "at"),
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("slot", sa.Integer, primary_key=True),
    sa.Column("executor", sa.Text, nullable=False),
    sa.Column("expires", sa.Float, nullable=False),
)

holds = sa.Table(
    "holds",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("probe_at", sa.Float, nullable=False),
    sa.Column("prober", sa.Text, nullable=False),
)

hold_trees = sa.Table(
    "hold_trees",
    metadata,
    sa.Column("scope", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("tree", sa.Text, primary_key=True),
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
