"""One installation of the App: whether GitHub lets us act at all."""

from __future__ import annotations

from typing import Literal

from planner.events import Event, InstallationChanged
from planner.model import Scope, Value
from planner.out import Out


class Installation(Value):
    scope: Scope
    state: Literal["active", "suspended", "removed"] = "active"
    seq: int = 0


def begin(ident: int) -> Installation:
    return Installation(scope=Scope(installation=ident, repo_id=0, repo="", root=0, tree=""))


def on(installation: Installation, event: Event, _out: Out) -> Installation:
    match event:
        case InstallationChanged(state=state):
            return installation.model_copy(update={"state": state})
        case _:
            return installation
