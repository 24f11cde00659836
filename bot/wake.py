"""A webhook about checks hurries those who watch them, so that nobody waits for the next look."""

from __future__ import annotations

from bot.store.database import Database
from bot.store.tables import outbox


def hurry_watchers(database: Database, sha: str, now: float) -> bool:
    """Makes the waiting `WatchChecks` of this head due now; False if there is none."""
    with database.write() as connection:
        changed = connection.execute(
            outbox.update()
            .where(
                outbox.c.dispatched.is_(None),
                outbox.c.not_before > now,
                outbox.c.status == "pending",
                outbox.c.type == "WatchChecks",
                outbox.c.action.contains(f'"sha":"{sha}"', autoescape=True),
            )
            .values(not_before=now)
        )
        return changed.rowcount > 0
