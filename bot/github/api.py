"""Requests within one repository of one installation: JSON in and out, pages, GraphQL."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bot.github.errors import Limited, NotFound, Refused, Suspended, Unreachable
from bot.github.quota import Quota
from bot.github.tokens import Tokens
from bot.github.transport import Wire, decode

ValueT = TypeVar("ValueT", bound=BaseModel)
PAGES = 30
"""at most this many pages of 100 are read of any list"""


class Api:
    """Speaks for one repository. `repo` is `owner/name`."""

    def __init__(self, wire: Wire, tokens: Tokens, quota: Quota, installation: int, repo: str) -> None:
        self._wire = wire
        self._tokens = tokens
        self._quota = quota
        self.installation = installation
        self.repo = repo

    def call(
        self,
        verb: str,
        path: str,
        parameters: dict[str, Any] | None = None,
        body: Any = None,
        creates: int = 0,
        accept: str = "application/vnd.github+json",
    ) -> tuple[int, dict[str, Any], str]:
        """`path` below the repository, or absolute with a leading slash pair `//`."""
        full = path[1:] if path.startswith("//") else f"/repos/{self.repo}{path}"
        for last in (False, True):
            token = self._tokens.of(self.installation, self.repo)
            try:
                return self._wire.send(token, self._quota, verb, full, parameters, body, creates, accept)
            except Suspended as error:
                # A token ends early when permissions change; one fresh token tells that from a suspension.
                self._tokens.forget(self.installation)
                if last or error.status != 401:
                    raise
        raise AssertionError("unreachable")

    def get(self, kind: type[ValueT], path: str, parameters: dict[str, Any] | None = None) -> ValueT:
        return read(kind, decode(self.call("GET", path, parameters)[2]))

    def pages(self, path: str, parameters: dict[str, Any] | None = None, key: str = "") -> Iterator[Any]:
        """Every element of a list, page after page. `key` names the list inside an object answer."""
        for page in range(1, PAGES + 1):
            _, headers, text = self.call("GET", path, {"per_page": 100, "page": page} | (parameters or {}))
            data = decode(text)
            items = data[key] if key else data
            yield from items
            if 'rel="next"' not in str(headers.get("link", "")):
                return

    def list(
        self, kind: type[ValueT], path: str, parameters: dict[str, Any] | None = None, key: str = ""
    ) -> tuple[ValueT, ...]:
        return tuple(read(kind, item) for item in self.pages(path, parameters, key))

    def send(self, kind: type[ValueT], verb: str, path: str, body: Any, creates: int = 0) -> ValueT:
        return read(kind, decode(self.call(verb, path, None, body, creates)[2]))

    def graphql(self, query: str, variables: dict[str, Any], creates: int = 0) -> dict[str, Any]:
        """The `data` of a GraphQL answer. Exhaustion answers HTTP 200 with an `errors` entry."""
        token = self._tokens.of(self.installation, self.repo)
        body = {"query": query, "variables": variables}
        _, headers, text = self._wire.send(
            token, self._quota, "POST", self._wire.graphql_url, None, body, creates, "application/json"
        )
        data = decode(text)
        if errors := data.get("errors"):
            message = "; ".join(str(e.get("message", e)) for e in errors)
            kinds = {str(e.get("type", "")) for e in errors}
            if "RATE_LIMITED" in kinds or (wait := self._quota.answered(200, headers, message)) is not None:
                wait = self._quota.answered(429, headers, message)
                raise Limited(f"GitHub's limit: {message}", wait or 60.0)
            if "NOT_FOUND" in kinds:
                raise NotFound(message, 404)
            if "something went wrong" in message.lower():  # GitHub's words for a server error behind HTTP 200
                raise Unreachable(f"GitHub failed: {message}", 500)
            raise Refused(f"GitHub refused a GraphQL request: {message}", 422)
        return dict(data["data"])


def read(kind: type[ValueT], data: Any) -> ValueT:
    """A value out of an answer; an answer of another shape is GitHub's failure, not ours."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise Unreachable(f"GitHub's answer is no {kind.__name__}: {error}") from error
