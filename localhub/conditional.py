"""Whether a client has an answer already, by its `If-None-Match` or `If-Modified-Since`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime


def unchanged(request: Mapping[str, str], etag: str, modified: Callable[[], str | None]) -> bool:
    """The ETag counts before the date, if the request has both; `modified` says when the answer's thing changed."""
    known, since = request.get("if-none-match"), request.get("if-modified-since")
    if known is not None:
        return _matches(known, etag)
    changed = None if since is None else modified()
    if since is None or changed is None:
        return False
    try:
        return parsedate_to_datetime(changed) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # no date, or one without a zone
        return False


def _matches(header: str, etag: str) -> bool:
    plain = etag.removeprefix("W/")
    return any(part.strip() in ("*", etag, plain) for part in header.split(","))
