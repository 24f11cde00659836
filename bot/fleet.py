"""One more process for a running bot: it takes turns, effects and agents from the database that both share."""

from __future__ import annotations

import signal
import sys
import threading

import structlog

from bot.config import Settings

log = structlog.get_logger("fleet")


class NotShared(Exception):
    """The settings name a database that only one process may use."""


def work(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT; webhooks and the sweep stay with `branchwork serve`."""
    if settings.database().startswith("sqlite"):
        raise NotShared(
            "branchwork worker shares a database with `branchwork serve`, and SQLite belongs to one process: "
            "set DATABASE_URL=postgresql://user@host/name for both"
        )
    from bot.agent_settings import load as load_agents
    from bot.app import build
    from bot.log import configure

    configure(settings.log_format, settings.log_level)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda number, _frame: sys.exit(0))
    app = build(settings, load_agents())
    try:
        app.engine.start()
        log.info("working", workers=settings.workers)
        threading.Event().wait()
    finally:
        app.close()
