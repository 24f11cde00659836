"""Faults on request: what goes wrong on a real network and a real GitHub, by a seed, so that a run can be repeated."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

WEBHOOK_KINDS = ("webhook_drop", "webhook_late", "webhook_repeat", "webhook_reorder")
REQUEST_KINDS = ("latency", "error_before", "error_after", "reset_before", "reset_after")
OTHER_KINDS = ("stale_mergeable",)


class Rule(BaseModel):
    """One fault: with `probability`, at most `times` times, for requests whose method and path match.

    kind: latency (`seconds`), error_before / error_after (the effect; `status`), reset_before / reset_after,
    webhook_drop, webhook_late (`seconds`), webhook_repeat, webhook_reorder, stale_mergeable.
    """

    model_config = ConfigDict(extra="forbid")
    kind: str = Field(pattern="^(" + "|".join((*WEBHOOK_KINDS, *REQUEST_KINDS, *OTHER_KINDS)) + ")$")
    probability: float = Field(1.0, ge=0, le=1)
    times: int | None = Field(None, ge=0)
    seconds: float = Field(1.0, ge=0)
    status: int = Field(502, ge=400, le=599)
    method: str = ".*"
    path: str = ".*"


class FaultPlan(BaseModel):
    """What POST /_localhub/faults takes; it replaces the plan before."""

    model_config = ConfigDict(extra="forbid")
    seed: int = 0
    rules: list[Rule] = []


@dataclass(frozen=True)
class RequestFault:
    """What is to go wrong with one request."""

    latency: float = 0.0
    error_before: int | None = None
    error_after: int | None = None
    reset_before: bool = False
    reset_after: bool = False


class Faults:
    """The current plan; asked by the middleware, the webhooks and mergeability."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._plan = FaultPlan()
        self._random = random.Random(0)  # noqa: S311 (not a secret: a repeatable run)
        self._hits: dict[str, int] = {}

    def set_plan(self, plan: FaultPlan) -> None:
        with self._lock:
            self._plan = plan.model_copy(deep=True)
            self._random = random.Random(plan.seed)  # noqa: S311
            self._hits = {}

    @property
    def planned(self) -> bool:
        """Whether anything is to go wrong."""
        return bool(self._plan.rules)

    def state(self) -> dict[str, Any]:
        with self._lock:
            return {**self._plan.model_dump(), "hits": dict(self._hits)}

    def hit(self, kind: str) -> bool:
        """Whether the fault `kind` happens now."""
        return self._take(kind) is not None

    take = hit

    def delay(self, kind: str) -> float:
        """Seconds of a fault that is a delay; 0 for none."""
        rule = self._take(kind)
        return rule.seconds if rule else 0.0

    def for_request(self, method: str, path: str) -> RequestFault | None:
        if not self._plan.rules:
            return None
        found = {kind: self._take(kind, method, path) for kind in REQUEST_KINDS}
        latency, before, after = found["latency"], found["error_before"], found["error_after"]
        return RequestFault(
            latency.seconds if latency else 0.0,
            before.status if before else None,
            after.status if after else None,
            found["reset_before"] is not None,
            found["reset_after"] is not None,
        )

    def _take(self, kind: str, method: str = "", path: str = "") -> Rule | None:
        with self._lock:
            for rule in self._plan.rules:
                if rule.kind != kind or rule.times == 0:
                    continue
                if kind in REQUEST_KINDS and not (re.fullmatch(rule.method, method) and re.search(rule.path, path)):
                    continue
                if self._random.random() < rule.probability:
                    if rule.times is not None:
                        rule.times -= 1
                    self._hits[kind] = self._hits.get(kind, 0) + 1
                    return rule
        return None
