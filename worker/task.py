"""What comes into an attempt (`Brief`), what goes out (`Handoff`), and the caps that hold in between."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Failure = Literal["cap_hit", "oom", "timeout", "network", "tool_error", "model_refused", "sandbox", "unknown"]
"""Why an attempt ended without an answer of its own: the class by which the owner decides about a retry."""

Role = Literal["worker", "resolver"]


class Frozen(BaseModel):
    """A value: immutable, and strict about the names of its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Acceptance(Frozen):
    """One condition of success that the trusted side will check again."""

    command: str = Field(description="shell command, run at the root of the checkout; exit code 0 means met")


class Brief(Frozen):
    """One task, complete: a worker sees nothing else of the tree."""

    goal: str
    acceptance: tuple[Acceptance, ...] = ()
    paths: tuple[str, ...] = Field(default=(), description="globs that the change is expected to stay within")
    forbidden: tuple[str, ...] = Field(default=(), description="globs that the change must not touch")
    context: str = Field(
        default="",
        description="Markdown, already fenced by the caller: handoffs of predecessors, CI log excerpts, review "
        "threads, and for a resolver both diffs",
    )
    attempt: int = 1
    role: Role = "worker"
    setup_command: str | None = Field(default=None, description="already run when the read-only toolchain was built")
    test_command: str | None = None
    lint_command: str | None = None


class Report(Frozen):
    """The part of a handoff that a worker writes itself, by the `finish` tool."""

    status: Literal["done", "failed"]
    summary: str = Field(description="what changed and why, at most 5 sentences")
    done: tuple[str, ...] = Field(default=(), description="each thing that was finished")
    notes: tuple[str, ...] = Field(default=(), description="what the next person at this code should know")
    concerns: tuple[str, ...] = Field(default=(), description="where the reviewer should look hardest")
    deviations: tuple[str, ...] = Field(default=(), description="where the change departs from the brief, and why")
    findings: tuple[str, ...] = Field(default=(), description="facts learned that matter beyond this task")
    follow_ups: tuple[str, ...] = Field(default=(), description="work seen but not done, one task each")


class Handoff(Report):
    """What an attempt reports to its owner. A dead worker reports too: `failure` says what killed it."""

    failure: Failure | None = None

    @model_validator(mode="after")
    def _done_has_no_failure(self) -> Self:
        if self.status == "done" and self.failure is not None:
            raise ValueError("a handoff that is done has no failure")
        return self


class Usage(Frozen):
    """What model calls consumed. `input_tokens` includes `cached_tokens`, as providers count them."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    dollars: float = 0.0

    @property
    def tokens(self) -> int:
        """Input and output together, the unit of `Limits.tokens`."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            dollars=self.dollars + other.dollars,
        )


class Limits(Frozen):
    """Caps of one attempt, or of one planner's or judge's turn. Every wait has an end."""

    steps: int = Field(default=150, ge=1, description="model calls")
    wall_s: float = Field(default=3600, gt=0, description="seconds from start to end")
    stall_s: float = Field(default=600, gt=0, description="seconds that one model call or one command may take")
    tokens: int = Field(default=3_000_000, ge=1, description="input and output together")
    dollars: float | None = Field(default=None, gt=0, description="None: no cap here")
    output_chars: int = Field(default=40_000, ge=1_000, description="of one tool output, ~10k tokens")
