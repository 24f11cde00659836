"""Faults on request: what goes wrong on a real network and a real GitHub, by a seed, so that a run can be repeated.

Each rule has dice of its own, thrown once for each request or delivery that it is about. So the same seed and rules
give the same faults to the same sequence of requests, whatever runs beside it.
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

WEBHOOK_KINDS = ("webhook_drop", "webhook_late", "webhook_repeat", "webhook_reorder")
BEFORE = ("reset_before", "error_before")
AFTER = ("reset_after", "error_after")
REQUEST_KINDS = ("latency", *BEFORE, *AFTER)
OTHER_KINDS = ("stale_mergeable",)


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


Expression = Annotated[str, AfterValidator(_expression)]


class Rule(BaseModel):
    """One fault: with `probability`, at most `times` times, after the first `skip`, where all expressions match.

    kind: latency (`seconds`), error_before / error_after the effect (`status`), reset_before / reset_after,
    webhook_drop, webhook_late (`seconds`), webhook_repeat, webhook_reorder, stale_mergeable.
    """

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(pattern="^(" + "|".join((*WEBHOOK_KINDS, *REQUEST_KINDS, *OTHER_KINDS)) + ")$")
    probability: float = Field(1.0, ge=0, le=1)
    times: int | None = Field(None, ge=0)
    skip: int = Field(0, ge=0, description="so many matches go well first")
    seconds: float = Field(1.0, ge=0)
    status: int = Field(502, ge=400, le=599)
    method: Expression = Field(".*", description="of a request: the whole of it")
    path: Expression = Field(".*", description="of a request: found anywhere in it, without /api/v3")
    event: Expression = Field(".*", description="of a webhook: the whole of `issues.opened` or `push`")


class FaultPlan(BaseModel):
    """What POST /_localhub/faults takes; it replaces the plan before."""

    model_config = ConfigDict(extra="forbid")
    seed: int = Field(0, ge=-(2**63), lt=2**63)
    rules: list[Rule] = []


@dataclass(frozen=True)
class RequestFault:
    """What is to go wrong with one request."""

    latency: float = 0.0
    error_before: int | None = None
    error_after: int | None = None
    reset_before: bool = False
    reset_after: bool = False


class _Dice:
    """A rule and its own chance."""

    def __init__(self, rule: Rule, seed: str) -> None:
        self.rule, self.left, self.skip = rule, rule.times, rule.skip
        self._random = random.Random(seed)  # noqa: S311 (not a secret: a repeatable run)

    def falls(self) -> bool:
        if self.left == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        hit = self._random.random() < self.rule.probability
        if hit and self.left is not None:
            self.left -= 1
        return hit


class Faults:
    """The current plan; asked by the middleware, git's door, the webhooks and mergeability."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan = FaultPlan()
        self._dice: list[_Dice] = []
        self._hits: dict[str, int] = {}

    def set_plan(self, plan: FaultPlan) -> None:
        with self._lock:
            self._plan = plan.model_copy(deep=True)
            self._dice = [_Dice(rule, f"{plan.seed}/{at}") for at, rule in enumerate(self._plan.rules)]
            self._hits = {}

    @property
    def planned(self) -> bool:
        """Whether anything is to go wrong."""
        return bool(self._plan.rules)

    def state(self) -> dict[str, Any]:
        """The plan, how often each rule may still hit, and how often each kind has."""
        with self._lock:
            rules = [dice.rule.model_dump() | {"left": dice.left} for dice in self._dice]
            return {"seed": self._plan.seed, "rules": rules, "hits": dict(self._hits)}

    def take(self, kind: str) -> bool:
        """Whether the fault `kind` happens now."""
        return self._take(kind) is not None

    def webhook(self, kind: str, event: str, action: str | None) -> Rule | None:
        """The rule by which this delivery suffers the fault `kind`, if it does."""
        name = event if action is None else f"{event}.{action}"
        return self._take(kind, event=name)

    def for_request(self, method: str, path: str) -> RequestFault | None:
        """What goes wrong with this request. One that does not get through leaves the faults after it to others."""
        if not self._plan.rules:
            return None
        latency = self._take("latency", method, path)
        found = next((rule for kind in (*BEFORE, *AFTER) if (rule := self._take(kind, method, path))), None)
        kind = found.kind if found else ""
        return RequestFault(
            latency.seconds if latency else 0.0,
            found.status if found and kind == "error_before" else None,
            found.status if found and kind == "error_after" else None,
            kind == "reset_before",
            kind == "reset_after",
        )

    def _take(self, kind: str, method: str = "", path: str = "", event: str = "") -> Rule | None:
        with self._lock:
            for dice in self._dice:
                rule = dice.rule
                if rule.kind != kind:
                    continue
                if kind in REQUEST_KINDS and not (re.fullmatch(rule.method, method) and re.search(rule.path, path)):
                    continue
                if kind in WEBHOOK_KINDS and not re.fullmatch(rule.event, event):
                    continue
                if dice.falls():
                    self._hits[kind] = self._hits.get(kind, 0) + 1
                    return rule
        return None
