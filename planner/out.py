"""Collects what a step decides while it folds events into a state."""

from __future__ import annotations

from planner.actions import Action
from planner.events import Event
from planner.model import Address, Route, Send


class Out:
    """Order is kept: actions and events are handed on in the order in which they were decided."""

    __slots__ = ("actions", "routes", "sends")

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.sends: list[Send] = []
        self.routes: list[Route] = []

    def do(self, *actions: Action) -> None:
        self.actions += actions

    def send(self, to: Address, event: Event) -> None:
        self.sends.append(Send(to=to, event=event))

    def route(self, to: Address, **named: int | str) -> None:
        """`out.route(me, issue=7)`, `out.route(me, pull=12, sha="…")`."""
        for kind, value in named.items():
            self.routes.append(Route.model_validate({"kind": kind, "value": str(value), "to": to}))
