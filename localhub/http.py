"""Answers: JSON, pages with `Link`, and the query parameters that page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from functools import lru_cache
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
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
    told = dict(headers or {})
    changed = data.get("updated_at") if status == 200 and isinstance(data, dict) else None
    if isinstance(changed, str):
        told["Last-Modified"] = _http_date(changed)
    return Response(orjson.dumps(data), status, told, JSON)


@lru_cache(maxsize=1024)
def _http_date(moment: str) -> str:
    return format_datetime(parse_iso(moment), usegmt=True)


class Paging:
    """`per_page` (30, at most 100) and `page` of a request."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self.limit = min(_positive(request.query_params.get("per_page"), 30), 100)
        self.page = _positive(request.query_params.get("page"), 1)
        self.offset = (self.page - 1) * self.limit

    def reply(
        self, items: Sequence[Any], total: int | None, wrap: Mapping[str, Any] | None = None, key: str = ""
    ) -> Response:
        """One page of `total`; `wrap` and `key` for lists inside an object: {**wrap, key: items}."""
        data: Any = list(items) if wrap is None else {**wrap, key: list(items)}
        return reply(data, headers=self.links(total))

    def slice(self, items: Sequence[Any]) -> Sequence[Any]:
        return items[self.offset : self.offset + self.limit]

    def links(self, total: int | None) -> dict[str, str]:
        """The `Link` header; of None, that there is a next page but nobody has counted to the last one."""
        last = max(1, -(-total // self.limit)) if total is not None else None
        pages: dict[str, int] = {}
        if self.page > 1:
            pages["prev"] = self.page - 1 if last is None else min(self.page - 1, last)
        if last is None or self.page < last:
            pages["next"] = self.page + 1
        if last is not None and self.page != last:
            pages["last"] = last
        if self.page > 1:
            pages["first"] = 1
        return {"Link": ", ".join(f'<{self._url(page)}>; rel="{rel}"' for rel, page in pages.items())} if pages else {}

    def _url(self, page: int) -> str:
        query = dict(self._request.query_params) | {"page": str(page)}
        context = get_context()
        root = context.base + context.prefix if context else ""
        return f"{root}{self._request.scope['path']}?{urlencode(query)}"


_COUNT = re.compile(r"0*[1-9][0-9]{0,17}", re.ASCII)


def _positive(text: str | None, default: int) -> int:
    """A count of a query; what is none (or more than 64 bits hold) is passed over, as GitHub does."""
    return int(text) if text and _COUNT.fullmatch(text) else default


PageDep = Annotated[Paging, Depends()]


Lines = Sequence[tuple[bytes, bytes]]


def lines(headers: Mapping[str, str]) -> Lines:
    """Header lines as ASGI has them."""
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def with_headers(headers: Lines, added: Lines, defaults: Lines) -> list[tuple[bytes, bytes]]:
    """The headers, whose names are small as all of these, with `added` in their place, and the missing defaults."""
    new = {name for name, _ in added}
    found = [pair for pair in headers if pair[0] not in new]
    there = {name for name, _ in found} | new
    return [*found, *added, *(pair for pair in defaults if pair[0] not in there)]
