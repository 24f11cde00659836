"""One request to GitHub: a pooled PyGithub requester, the quota around it, errors as our own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests
import structlog
from github.Auth import AppAuth
from github.Requester import Requester

from bot.github.errors import GitHubError, Limited, NotFound, Refused, Suspended, Unreachable
from bot.github.quota import Quota

log = structlog.get_logger("gateway")

API_VERSION = "2022-11-28"
Json = Any


class Wire:
    """Sends requests. A requester keeps the request it is about to send in an attribute, so that two threads on one
    could swap theirs: each request takes one from the pool for itself, and keeps its connection alive for the next.
    """

    def __init__(self, base_url: str, verify: bool | str = True, timeout: int = 30) -> None:
        self._make: Callable[[], Requester] = lambda: Requester(
            auth=None,
            base_url=base_url,
            timeout=timeout,
            user_agent="branchwork",
            per_page=100,
            verify=verify,
            retry=None,
            pool_size=1,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,
            api_version=API_VERSION,
        )
        self._idle: list[Requester] = []
        self._lock = threading.Lock()
        first = self._make()
        self.graphql_url = first.graphql_url
        self._idle.append(first)

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            for requester in self._idle:
                requester.close()
            self._idle.clear()

    def send(
        self,
        token: str,
        quota: Quota,
        verb: str,
        path: str,
        parameters: Mapping[str, Any] | None = None,
        body: Json = None,
        creates: int = 0,
        accept: str = "application/vnd.github+json",
    ) -> tuple[int, dict[str, Any], str]:
        """(status, headers in lower case, text) of an answer below 400. Raises `GitHubError`s."""
        headers = {"Authorization": f"Bearer {token}", "Accept": accept}
        graphql = path == self.graphql_url
        with quota.request(write=verb != "GET", creates=creates, graphql=graphql), self._one() as requester:
            try:
                status, answer, text = requester.requestJson(verb, path, dict(parameters or {}), headers, body)
            except requests.RequestException as error:
                raise Unreachable(f"GitHub did not answer {verb} {path}: {type(error).__name__}") from error
        log.debug("request", verb=verb, path=path, status=status)
        message = _message(text) if status >= 400 else ""
        if (wait := quota.answered(status, answer, message)) is not None:
            raise Limited(f"GitHub's limit: {message}", wait, status)
        if status >= 400:
            raise _error(status, f"GitHub answered {status} to {verb} {path}: {message}", message)
        return status, answer, str(text)

    @contextmanager
    def _one(self) -> Iterator[Requester]:
        with self._lock:
            requester = self._idle.pop() if self._idle else None
        requester = requester or self._make()
        try:
            yield requester
        finally:
            with self._lock:
                self._idle.append(requester)


def app_jwt(app_id: int, private_key: str) -> str:
    """A token of the app itself, good for five minutes. Raises what the cryptography library says of a bad key."""
    return AppAuth(app_id, private_key).token


def decode(text: str) -> Json:
    """The JSON of an answer; None for an empty one."""
    if not text:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise Unreachable("GitHub's answer is not JSON") from error


def _message(text: Any) -> str:
    try:
        data = json.loads(text)
    except (TypeError, ValueError):
        return str(text)[:300]
    if not isinstance(data, dict):
        return str(data)[:300]
    parts = [str(data.get("message", ""))]
    for one in data.get("errors") or []:
        parts.append(str(one.get("message") or one.get("code") or one) if isinstance(one, dict) else str(one))
    return "; ".join(p for p in parts if p)[:1000]


def _error(status: int, text: str, message: str) -> GitHubError:
    if status >= 500:
        return Unreachable(text, status)
    if status == 401 or (status == 403 and "suspended" in message.lower()):
        return Suspended(text, status)
    if status in (404, 410):
        return NotFound(text, status)
    return Refused(text, status)
