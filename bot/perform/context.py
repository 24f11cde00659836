"""What the performers work with, and the small things that they share."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from bot.contract import ActionRow, GiveUp, Hold, Performed
from bot.github.errors import Limited, NotFound, Refused, Suspended, Unreachable
from bot.github.gateway import Gateway, Gateways
from bot.gitrun import GitDenied, GitUnreachable
from bot.mirror import Identity, Mirror
from bot.model import Models
from bot.previews import CostBasis
from planner.facts import Usage
from planner.model import Address, Scope
from planner.view import PlannerView
from worker import slots
from worker.sandbox import Sandbox, SandboxUnavailable
from worker.slots import NoSlot
from worker.workspace import Workspaces

MARKER = re.compile(r"<!-- branchwork:v1 .*?-->", re.DOTALL)


@dataclass(frozen=True)
class Mark:
    """What a genuine marker of ours says."""

    kind: str
    parent: int
    key: str
    facts: Mapping[str, Any]


class Marks(Protocol):
    """Signs and recognises what we create (`bot.markers`, bound to our keys)."""

    def sign(self, scope: Scope, kind: str, parent: int, key: str, facts: Mapping[str, Any]) -> str: ...
    def read(self, repo_id: int, text: str | None) -> Mark | None: ...


class Books(Protocol):
    """What the performers need of the store."""

    def spend(self, row: ActionRow, number: int, role: str, model: str, usage: Usage) -> None: ...
    def spent(self, tree: str) -> Usage: ...
    def cost_basis(self, repo_id: int) -> CostBasis | None: ...


@dataclass(frozen=True)
class Timing:
    """Seconds. `ci_start`: how long a workflow that should start may take to show; `again`: between look and look."""

    ci_start: float = 120.0
    poll_first: float = 2.0
    poll_last: float = 15.0
    again: float = 1.5


@dataclass
class Deps:
    """Everything concrete, made by `bot.app`."""

    gateways: Gateways
    mirrors: Callable[[Scope], Mirror]
    workspaces: Workspaces
    sandbox: Sandbox
    models: Models
    marks: Marks
    books: Books
    view: Callable[[str], PlannerView | None]
    data_dir: Path
    identity: Callable[[], Identity]
    clock: Callable[[], float]
    pause: Callable[[float], None]
    timing: Timing = Timing()
    toolchain: Path | None = None
    min_free: int = 0
    """bytes of disk without which no agent or git work starts"""
    known_comments: dict[str, int] = field(default_factory=dict)
    """node → status comment, so that an edit need not look for it"""
    labels_made: set[tuple[int, str]] = field(default_factory=set)
    watched_since: dict[str, float] = field(default_factory=dict)

    def gateway(self, row: ActionRow) -> Gateway:
        return self.gateways.of(row.scope.installation, row.scope.repo)

    @property
    def bot_login(self) -> str:
        return f"{self.gateways.app().slug}[bot]"

    def mark(self, row: ActionRow, kind: str, parent: int, **facts: Any) -> str:
        """The marker of what this action creates, on lines of its own."""
        return "\n\n" + self.marks.sign(row.scope, kind, parent, row.key, facts)

    def is_mine(self, row: ActionRow, text: str | None) -> bool:
        """Whether a body was created by this very action."""
        mark = self.marks.read(row.scope.repo_id, text)
        return mark is not None and mark.key == row.key


def result(row: ActionRow, event: Any, name: str = "result") -> Performed:
    """One event for the action's owner, under an id that follows from the action."""
    return Performed(events=((row.owner, f"{row.key}:{name}", event),))


def to(address: Address, ident: str, event: Any) -> Performed:
    return Performed(events=((address, ident, event),))


def keep_marker(old: str | None, new: str) -> str:
    """A rewritten body that ends with the marker of the old one."""
    found = MARKER.findall(old or "")
    return f"{new}\n\n{found[-1]}" if found else new


def translated(error: Exception) -> Exception:
    """What the engine should do about an error from outside; a bug comes back as it is."""
    match error:
        case Limited():
            return Hold(str(error), "quota", error.retry_after)
        case Suspended():
            return Hold(f"the installation is suspended or gone: {error}", "suspended")
        case Unreachable():
            return Hold(str(error), "github")
        case NotFound():
            return GiveUp(f"it is gone on GitHub, or not ours to see: {error}")
        case Refused():
            return GiveUp(f"GitHub refuses: {error}")
        case GitUnreachable():
            return Hold(f"GitHub's git server does not answer: {error}", "github")
        case GitDenied():
            return Hold(f"GitHub's git server does not accept the app's token: {error}", "suspended")
        case OSError() if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return Hold("the disk is full: free some space and it goes on", "disk")
        case NoSlot() | SandboxUnavailable() | slots.Unreachable():
            return Hold(f"this machine cannot run a sandbox now: {error}", "disk")
        case _:
            return error
