"""Whether a client has an answer already, by its `If-None-Match` or `If-Modified-Since`."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def unchanged(request: Mapping[str, str], etag: str, modified: str | None) -> bool:
    """The ETag counts before the date, if the request has both."""
    known, since = request.get("if-none-match"), request.get("if-modified-since")
    if known is not None or since is None or modified is None:
        return known is not None and _matches(known, etag)
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # no date, or one without a zone
        return False


def _matches(header: str, etag: str) -> bool:
    plain = etag.removeprefix("W/")
    return any(part.strip() in ("*", etag, plain) for part in header.split(","))
