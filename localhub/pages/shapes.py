"""Small things that pages show: people, moments, states, colours. Reads only."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub.clock import parse_iso

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_UNITS = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"))


def ago(hub: Hub, moment: str | None) -> str:
    """How long ago a moment in GitHub's format was."""
    if not moment:
        return ""
    seconds = (hub.clock.now() - parse_iso(moment)).total_seconds()
    for size, name in _UNITS:
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {name}{'s' if number > 1 else ''} ago"
    return "just now" if seconds > -60 else f"on {moment[:10]}"


def person(hub: Hub, account_id: int | None) -> dict[str, Any]:
    """Login, initial, the hue of the avatar, and whether it is a bot; `ghost` for nobody."""
    row = hub.db.row("SELECT login, type FROM accounts WHERE id = ?", account_id)
    login = row["login"] if row else "ghost"
    return {
        "login": login,
        "shown": login.removesuffix("[bot]"),
        "initial": login[0].upper(),
        "hue": zlib.crc32(login.encode()) % 360,
        "bot": bool(row and row["type"] == "Bot"),
    }


def ink(color: str) -> str:
    """Black or white: what is read better on this colour (six hexadecimal digits), by WCAG's measure of contrast."""
    parts = (int(color[at : at + 2], 16) / 255 for at in (0, 2, 4))
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return "#000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "#fff"


def span(seconds: int | None) -> str:
    """`12 s`, `3 m 5 s`, `1 h 2 m`; nothing of what has not ended."""
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} m"
    return f"{minutes} m {rest} s" if minutes else f"{rest} s"


def count(number: int, one: str, many: str = "") -> str:
    """`1 task`, `2 tasks`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """`812 bytes`, `1.4 KB`, `2.0 MB`."""
    for unit, name in ((1_000_000, "MB"), (1_000, "KB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return count(number, "byte")


def issue_state(hub: Hub, row: Row) -> str:
    """The name of the icon: open, closed, skipped, duplicate; pull-open, pull-draft, pull-merged, pull-closed."""
    if not row["is_pull"]:
        if row["state"] == "open":
            return "open"
        return {"not_planned": "skipped", "duplicate": "duplicate"}.get(row["state_reason"], "closed")
    pull = hub.db.row("SELECT draft, merged, open FROM pulls WHERE issue_id = ?", row["id"])
    return "pull-closed" if pull is None else pull_state(pull)


def pull_state(pull: Row) -> str:
    if pull["merged"]:
        return "pull-merged"
    if not pull["open"]:
        return "pull-closed"
    return "pull-draft" if pull["draft"] else "pull-open"


STATE_WORDS = {
    "open": "Open",
    "closed": "Closed",
    "skipped": "Closed as not planned",
    "duplicate": "Closed as duplicate",
    "pull-open": "Open",
    "pull-draft": "Draft",
    "pull-merged": "Merged",
    "pull-closed": "Closed",
    "success": "Passed",
    "failure": "Failed",
    "pending": "Running",
    "neutral": "Neutral",
}


def sentence(detail: Mapping[str, Any]) -> str:
    """One entry of a 422's `errors` in words."""
    if detail.get("message"):
        return str(detail["message"])
    return f"{detail.get('field', 'a field')}: {str(detail.get('code', 'invalid')).replace('_', ' ')}"
