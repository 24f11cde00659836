"""Answers: JSON, pages with `Link`, and the query parameters that page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from email.utils import format_datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response

from localhub import media, versions
from localhub.clock import parse_iso
from localhub.context import get_context

JSON = "application/json; charset=utf-8"


def reply(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`data` as JSON; None with 204 or 205 for no body."""
    if data is None and status in (204, 205):
        return Response(status_code=status, headers=dict(headers or {}))
    context = get_context()
    if context and context.form:
        data = media.shaped(data, context.form)
    if not versions.is_first():
        data = versions.shaped(data)
    content = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    answer = Response(content, status, dict(headers or {}), JSON)
    changed = data.get("updated_at") if status == 200 and isinstance(data, dict) else None
    if isinstance(changed, str):
        answer.headers["Last-Modified"] = format_datetime(parse_iso(changed), usegmt=True)
    return answer


class Paging:
    """`per_page` (30, at most 100) and `page` of a request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.limit = min(_positive(request.query_params.get("per_page"), 30), 100)
        self.page = _positive(request.query_params.get("page"), 1)
        self.offset = (self.page - 1) * self.limit

    def reply(self, items: Sequence[Any], total: int, wrap: Mapping[str, Any] | None = None, key: str = "") -> Response:
        """One page of `total`; `wrap` and `key` for lists inside an object: {**wrap, key: items}."""
        data: Any = list(items) if wrap is None else {**wrap, key: list(items)}
        return reply(data, headers=self.links(total))

    def slice(self, items: Sequence[Any]) -> Sequence[Any]:
        return items[self.offset : self.offset + self.limit]

    def links(self, total: int) -> dict[str, str]:
        last = max(1, -(-total // self.limit))
        pages: dict[str, int] = {}
        if self.page > 1:
            pages["prev"] = min(self.page - 1, last)
        if self.page < last:
            pages["next"] = self.page + 1
        if self.page != last:
            pages["last"] = last
        if self.page > 1:
            pages["first"] = 1
        return {"Link": ", ".join(f'<{self._url(page)}>; rel="{rel}"' for rel, page in pages.items())} if pages else {}

    def _url(self, page: int) -> str:
        query = dict(self._request.query_params) | {"page": str(page)}
        context = get_context()
        root = context.base + context.prefix if context else ""
        return f"{root}{self._request.url.path}?{urlencode(query)}"


_COUNT = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)


def _positive(text: str | None, default: int) -> int:
    """A count of a query; what is none (or more than 64 bits hold) is passed over, as GitHub does."""
    return int(text) if text and _COUNT.fullmatch(text) else default


PageDep = Annotated[Paging, Depends()]


def with_headers(
    headers: Iterable[tuple[bytes, bytes]], added: Mapping[str, str], defaults: Mapping[str, str]
) -> list[tuple[bytes, bytes]]:
    """The headers with these in their place, and of the defaults those that are not there yet."""
    new = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in added.items()}
    found = [pair for pair in headers if pair[0].lower() not in new]
    there = {name.lower() for name, _ in found} | new.keys()
    more = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in defaults.items()}
    return [*found, *new.items(), *((name, value) for name, value in more.items() if name not in there)]
