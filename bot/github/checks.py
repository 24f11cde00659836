"""Check suites, check runs, statuses and logs of a commit."""

from __future__ import annotations

import re

import httpx

from bot.github.api import Api
from bot.github.errors import NotFound, Refused, Unreachable
from bot.github.values import CheckRun, CheckSuite, Status

LOG_BYTES = 5_000_000


class Checks:
    def __init__(self, api: Api) -> None:
        self._api = api

    def suites(self, sha: str) -> tuple[CheckSuite, ...]:
        return self._api.list(CheckSuite, f"/commits/{sha}/check-suites", key="check_suites")

    def runs(self, sha: str) -> tuple[CheckRun, ...]:
        """The latest run of each name in each suite."""
        return self._api.list(CheckRun, f"/commits/{sha}/check-runs", {"filter": "latest"}, key="check_runs")

    def statuses(self, sha: str) -> tuple[Status, ...]:
        """The latest status of each context."""
        return self._api.list(Status, f"/commits/{sha}/status", key="statuses")

    def log(self, run: CheckRun) -> str | None:
        """The log of an Actions job, None where there is none to be had (another app's check, expired, not allowed).

        GitHub answers with a redirect to a store elsewhere, which must not see our token.
        """
        job = re.search(r"/job/(\d+)", run.details_url or run.html_url or "")
        path = f"/actions/jobs/{job[1] if job else run.id}/logs"
        try:
            status, headers, text = self._api.call("GET", path)
        except (NotFound, Refused):
            return None
        if status not in (301, 302, 307, 308):
            return text
        try:
            with httpx.stream("GET", str(headers["location"]), timeout=30, follow_redirects=True) as answer:
                if answer.status_code != 200:
                    return None
                taken = bytearray()
                for piece in answer.iter_bytes():
                    taken += piece
                    if len(taken) > LOG_BYTES:
                        # The end of a log says more than its beginning.
                        del taken[: len(taken) - LOG_BYTES]
                return taken.decode("utf-8", "replace")
        except httpx.HTTPError as error:
            raise Unreachable(f"the log store did not answer: {type(error).__name__}") from error
