"""The hub: one directory of data and everything that lives on it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from localhub import gitfolder
from localhub.access import Access
from localhub.background import Background
from localhub.clock import Clock, iso
from localhub.context import get_context
from localhub.db import Database, Row
from localhub.events import Event, Listener
from localhub.faults import Faults
from localhub.kept import Kept
from localhub.known import Known
from localhub.limitfile import LimitFile
from localhub.limits import Limits
from localhub.locks import RepoLocks
from localhub.webhooks import Webhooks

ACTIONS_APP_ID = 15368  # GitHub's own number for the app `github-actions`


class Hub:
    """Composition root and the few services that every endpoint uses."""

    def __init__(self, data: Path, public_url: str | None = None) -> None:
        self.data = data
        self._git: dict[int, Path] = {}
        data.mkdir(parents=True, exist_ok=True)
        (data / "git").mkdir(exist_ok=True)
        self.db = Database(data / "localhub.sqlite3")
        self.known = Known(self.db)
        self.clock = Clock()
        self._now = (0, "1970-01-01T00:00:00Z")
        self.public_url = public_url
        self.default_url = "http://127.0.0.1"
        self.stats: Counter[str] = Counter()
        self.background = Background()
        self.access = Access(self)
        self.limits = Limits(self)
        self._limit_file = LimitFile(self.limits, data / "limits.json")
        self.faults = Faults()
        self.kept = Kept(self, data / "localhub.sqlite3")
        self.repo_locks = RepoLocks(lambda: self.db.holding)
        self.quiet_checks: dict[str, Callable[[], int]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._starters: list[Callable[[], None]] = []
        self._closers: list[Callable[[], None]] = []
        self.webhooks = Webhooks(self)
        self.quiet_checks["deliveries"] = self.webhooks.pending
        self._restore_clock()
        self._limit_file.load()
        self._make_actions_app()

    def now(self) -> str:
        """The time in GitHub's format."""
        second = int(self.clock.timestamp())
        if second != self._now[0]:
            self._now = (second, iso(datetime.fromtimestamp(second, UTC)))
        return self._now[1]

    def tx(self) -> AbstractContextManager[None]:
        """One write transaction: saved together, on the disk when the block ends."""
        return self.db.transaction()

    @property
    def root(self) -> str:
        """The root URL: the one of the request, else the public one."""
        context = get_context()
        return self.public_url or (context.base if context else self.default_url)

    def api(self, path: str = "") -> str:
        return f"{self.root}/api/v3{path}"

    def html(self, path: str = "") -> str:
        return f"{self.root}{path}"

    def git_dir(self, repo: Row | int) -> Path:
        """The bare repository's directory."""
        number = repo if isinstance(repo, int) else repo["id"]
        if number not in self._git:
            self._git[number] = self.data / "git" / f"{number}.git"
        return self._git[number]

    def emit(self, event: Event) -> None:
        """Tell of an event, inside the transaction that makes it true."""
        if not self.db.writing:
            raise RuntimeError("an event outside of a transaction: use `with hub.tx():`")
        event.check()
        for listener in self._listeners.get(event.name, []):
            listener(event)
        self.webhooks.queue(event)

    def on(self, name: str, listener: Listener) -> None:
        """Call `listener(event)` for each event of this name, inside its transaction."""
        self._listeners.setdefault(name, []).append(listener)

    def on_start(self, callback: Callable[[], None]) -> None:
        self._starters.append(callback)

    def on_close(self, callback: Callable[[], None]) -> None:
        self._closers.append(callback)

    def start(self) -> None:
        """Take up what an earlier process left undone."""
        self.webhooks.start()
        self._limit_file.open()
        for callback in self._starters:
            callback()

    def close(self) -> None:
        for callback in reversed(self._closers):
            callback()
        self.webhooks.close()
        self._limit_file.close()
        self.background.close()
        gitfolder.settle_below(self.data / "git")
        self.kept.close()
        self.db.close()

    def pending(self) -> dict[str, int]:
        """What is still under way, by kind."""
        counts = {name: check() for name, check in self.quiet_checks.items()} | self.background.pending()
        return {name: number for name, number in counts.items() if number}

    def account(self, account_id: int) -> Row:
        """The account with this id, which must exist."""
        return self.known.get(("account", account_id), lambda: self.db.get("accounts", account_id))

    def setting(self, key: str) -> str | None:
        found: str | None = self.db.value("SELECT value FROM settings WHERE key = ?", key)
        return found

    def save_setting(self, key: str, value: str) -> None:
        with self.tx():
            self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", key, value)

    def save_clock(self) -> None:
        """Keep a driven clock over a restart."""
        self.save_setting("clock", json.dumps(self.clock.state()))

    def _restore_clock(self) -> None:
        saved = self.setting("clock")
        if saved:
            self.clock.restore(json.loads(saved))

    def _make_actions_app(self) -> None:
        if self.db.value("SELECT 1 FROM apps WHERE id = ?", ACTIONS_APP_ID):
            return
        now = iso(self.clock.now() - timedelta(days=1))
        with self.tx():
            owner = self.db.insert("accounts", login="github", type="Organization", created_at=now)
            bot = self.db.insert("accounts", login="github-actions[bot]", type="Bot", created_at=now)
            self.db.insert(
                "apps",
                id=ACTIONS_APP_ID,
                slug="github-actions",
                name="GitHub Actions",
                description="Automate your workflow from idea to production",
                owner_id=owner,
                bot_id=bot,
                client_id="Iv1.05c79e9ad1f6bdfa",
                client_secret="",
                public_key="",
                webhook_active=0,
                permissions=json.dumps({"actions": "write", "checks": "write", "metadata": "read"}),
                events="[]",
                created_at=now,
                updated_at=now,
            )
