"""The one event vocabulary: what happened, told once, from which webhooks and listeners follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened, named as GitHub's webhook is.

    `payload` holds the event's own keys; action, repository, organization, sender and installation are added.
    """

    name: str
    action: str | None
    repo: int | None
    sender: int
    payload: dict[str, Any] = field(default_factory=dict)
    app: int | None = None
    """Send it to this app only."""
    installation: int | None = None
    """Send it for this installation only, subscribed or not (installation, installation_repositories)."""
    meta: dict[str, Any] = field(default_factory=dict)
    """For listeners in this process; never sent."""


Listener = Callable[[Event], None]
