"""Installation tokens: minted once for all who ask at the same time, narrowed to one repository, never logged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.github.errors import NotFound, Refused, Suspended
from bot.github.quota import Quota
from bot.github.transport import Wire, app_jwt, decode

EARLY_S = 300.0
"""a token is replaced this long before it ends, so that what starts with it can finish"""


@dataclass(frozen=True)
class _Token:
    text: str
    until: float


class Tokens:
    """The tokens of one app. `clock` is seconds since the epoch."""

    def __init__(self, wire: Wire, app_id: int, private_key: str, clock: Callable[[], float]) -> None:
        self._wire = wire
        self._app_id = app_id
        self._key = private_key
        self._clock = clock
        self._lock = threading.Lock()
        self._locks: dict[tuple[int, str, str], threading.Lock] = {}
        self._known: dict[tuple[int, str, str], _Token] = {}
        self._quota = Quota(clock)

    def app(self) -> str:
        """A JWT of the app itself."""
        return app_jwt(self._app_id, self._key)

    @property
    def app_quota(self) -> Quota:
        """The quota of requests made as the app itself."""
        return self._quota

    def of(self, installation: int, repo: str = "", permissions: dict[str, str] | None = None) -> str:
        """A token for `repo` (`owner/name`; empty: every repository of the installation). Raises `GitHubError`s."""
        slot = (installation, repo, ",".join(f"{k}={v}" for k, v in sorted((permissions or {}).items())))
        with self._lock:
            lock = self._locks.setdefault(slot, threading.Lock())
        with lock:
            known = self._known.get(slot)
            if known is None or known.until - EARLY_S <= self._clock():
                known = self._known[slot] = self._mint(installation, repo, permissions)
            return known.text

    def forget(self, installation: int) -> None:
        """GitHub does not accept a token any more: the next request mints a new one."""
        with self._lock:
            for slot in [s for s in self._known if s[0] == installation]:
                del self._known[slot]

    def _mint(self, installation: int, repo: str, permissions: dict[str, str] | None) -> _Token:
        body: dict[str, object] = {}
        if repo:
            body["repositories"] = [repo.partition("/")[2]]
        if permissions:
            body["permissions"] = permissions
        path = f"/app/installations/{installation}/access_tokens"
        try:
            _, _, text = self._wire.send(self.app(), self._quota, "POST", path, body=body)
        except NotFound as error:
            raise Suspended(f"installation {installation} is gone: {error}", error.status) from error
        except Refused as error:
            raise Suspended(f"installation {installation} gives no token: {error}", error.status) from error
        data = decode(text)
        return _Token(str(data["token"]), datetime.fromisoformat(str(data["expires_at"])).timestamp())
