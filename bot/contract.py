"""What the durable engine asks of its neighbours: a pure step, a performer of effects, and a codec between them.

The engine knows none of the concrete events, actions and states; `bot.app` hands it the real ones, tests hand it toys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, TypeAdapter

from planner.model import Address, AggregateKind, Scope, Step

HoldKind = Literal["model", "github", "disk", "quota", "budget", "suspended"]

External = tuple[Address, str, Any]
"""(who it is for, the fact's id, the event)"""


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One action as it is handed to the performer."""

    key: str
    owner: Address
    scope: Scope
    action: Any
    """a `planner.actions.Action`"""
    attempts: int = 1
    """which start this is, counted from 1 and over restarts"""
    maybe_done: bool = False
    """an earlier start did not come to an end that we know of: look for its marker before creating anything"""


@dataclass(frozen=True, slots=True)
class Performed:
    """What an effect found: events, usually for the action's owner. `note` is kept with the row for people."""

    events: tuple[External, ...] = ()
    note: str = ""


class Hold(Exception):
    """Cannot be done now for a reason outside; nothing is lost, the action waits and is tried again."""

    def __init__(self, reason: str, kind: HoldKind, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind: HoldKind = kind
        self.retry_after = retry_after
        """seconds"""


class Later(Exception):
    """Not a failure: there is nothing to do yet, look again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds:g} s")
        self.seconds = seconds


class GiveUp(Exception):
    """Will never work, however often it is tried: the owner is told at once."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook as GitHub names it; a GUID seen before changes nothing."""

    guid: str
    event: str


StepFunction = Callable[[Address, Any, tuple[Any, ...], float], "Step[Any] | None"]
"""(who, its state or None, events in order, now) → what follows; None while no event has brought it to life"""
PerformFunction = Callable[[ActionRow], Performed]


class Codec(Protocol):
    """Between values and the JSON text of the store, and the events that the engine itself must be able to make."""

    def dump_event(self, event: Any) -> str: ...
    def load_event(self, text: str) -> Any: ...
    def dump_action(self, action: Any) -> str: ...
    def load_action(self, text: str) -> Any: ...
    def dump_state(self, kind: AggregateKind, state: Any) -> str: ...
    def load_state(self, kind: AggregateKind, text: str) -> Any: ...
    def failed_event(self, action: Any, reason: str) -> Any: ...
    def held_event(self, reason: str, kind: HoldKind) -> Any: ...
    def released_event(self, kind: HoldKind) -> Any: ...


@dataclass(frozen=True, slots=True)
class PydanticCodec:
    """A codec from pydantic's own adapters; `bot.app` makes one for the planner's unions."""

    events: TypeAdapter[Any]
    actions: TypeAdapter[Any]
    states: Mapping[AggregateKind, type[BaseModel]]
    failed: Callable[[Any, str], Any]
    held: Callable[[str, HoldKind], Any]
    released: Callable[[HoldKind], Any]

    def dump_event(self, event: Any) -> str:
        return self.events.dump_json(event).decode()

    def load_event(self, text: str) -> Any:
        return self.events.validate_json(text)

    def dump_action(self, action: Any) -> str:
        return self.actions.dump_json(action).decode()

    def load_action(self, text: str) -> Any:
        return self.actions.validate_json(text)

    def dump_state(self, kind: AggregateKind, state: Any) -> str:
        return self.states[kind].__pydantic_serializer__.to_json(state).decode()

    def load_state(self, kind: AggregateKind, text: str) -> Any:
        return self.states[kind].model_validate_json(text)

    def failed_event(self, action: Any, reason: str) -> Any:
        return self.failed(action, reason)

    def held_event(self, reason: str, kind: HoldKind) -> Any:
        return self.held(reason, kind)

    def released_event(self, kind: HoldKind) -> Any:
        return self.released(kind)


def tree_address(scope: Scope) -> Address | None:
    """Who answers for a tree; None for what lives above a tree."""
    return Address(kind="tree", key=scope.tree) if scope.tree else None
