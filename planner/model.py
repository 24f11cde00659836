"""The shapes every aggregate shares: frozen values, addresses, and what a step returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from planner.actions import Action
    from planner.events import Event


class Value(BaseModel):
    """An immutable value; unknown fields are refused so that stored state never drifts unseen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


AggregateKind = Literal["planner", "task", "tree", "train", "installation"]


class Address(Value):
    """Who an event is for. `key` is unique within its kind (see `planner.keys`)."""

    kind: AggregateKind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.key}"


class Scope(Value):
    """Where an aggregate lives: one installation, one repository, one labelled root issue."""

    installation: int
    repo_id: int
    repo: str
    """`owner/name`"""
    root: int
    """number of the labelled issue; 0 for aggregates above a tree"""
    tree: str
    """key of the tree; empty for aggregates above a tree"""


class Route(Value):
    """From something GitHub names to the aggregate that owns it, so that a webhook finds its reader.

    `kind` and `value`: issue → number, pull → number, sha → head SHA, comment → database id.
    """

    kind: Literal["issue", "pull", "sha", "comment"]
    value: str
    to: Address


StateT = TypeVar("StateT", bound=BaseModel)


class Send(Value):
    """An event for another aggregate, put into its inbox in the transaction that saves the sender."""

    to: Address
    event: Any
    """a `planner.events.Event`; typed loosely because the union is declared in a module that imports this one"""


class Step(Generic[StateT]):
    """What one pure `step` decided: the next state and all that follows from it."""

    __slots__ = ("actions", "routes", "sends", "state")

    def __init__(
        self,
        state: StateT,
        actions: tuple[Action, ...] = (),
        sends: tuple[Send, ...] = (),
        routes: tuple[Route, ...] = (),
    ) -> None:
        self.state = state
        self.actions = actions
        self.sends = sends
        self.routes = routes

    def __repr__(self) -> str:
        return f"Step({self.state!r}, actions={self.actions!r}, sends={self.sends!r}, routes={self.routes!r})"


class Person(Value):
    """Who acted on GitHub, with what they may do *at the time of the act* (read from the API, never from a name)."""

    login: str
    id: int
    permission: Literal["none", "read", "triage", "write", "maintain", "admin"] = "none"
    app_id: int | None = None

    @property
    def may_write(self) -> bool:
        return self.permission in ("write", "maintain", "admin")


__all__ = ["Address", "AggregateKind", "Event", "Person", "Route", "Scope", "Send", "StateT", "Step", "Value"]
