"""The agent: model × tools × limits.

`run` drives a worker or resolver, which ends by calling `finish`; `ask` drives a planner or judge, which ends with a
text that validates against the caller's pydantic type. Neither raises for what a model does: a model's mistake is
answered, and when a limit is hit the result says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from worker.loop import Loop
from worker.messages import (
    Answered,
    AnswerInvalid,
    Clock,
    Item,
    Message,
    Model,
    ModelAnswer,
    ModelError,
    ModelInvalid,
    ModelRefused,
    ModelRequest,
    ModelUnavailable,
    Outcome,
    Prompt,
    Record,
    Stopped,
    T,
    Tool,
    ToolCall,
    ToolFailure,
    ToolMistake,
    ToolResult,
    ToolSpec,
    free,
    ignore,
)  # fmt: skip
from worker.task import Limits, Usage

__all__ = [
    "AnswerInvalid", "Answered", "Clock", "Item", "Message", "Model", "ModelAnswer", "ModelError", "ModelInvalid",
    "ModelRefused", "ModelRequest", "ModelUnavailable", "Outcome", "Prompt", "Record", "Stopped", "Tool", "ToolCall",
    "ToolFailure", "ToolMistake", "ToolResult", "ToolSpec", "ask", "run",
]  # fmt: skip


def run(
    model: Model,
    tools: Sequence[Tool],
    prompt: Prompt,
    limits: Limits,
    record: Record = ignore,
    clock: Clock = time.monotonic,
    on_usage: Callable[[Usage], None] = free,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Work until `finish` is called or a limit is hit; in each case there is a handoff."""
    return Loop(model, tools, prompt, limits, record, clock, on_usage, cancelled).until_finish()


def ask(
    model: Model,
    tools: Sequence[Tool],
    prompt: Prompt,
    limits: Limits,
    answer: type[T],
    record: Record = ignore,
    clock: Clock = time.monotonic,
    on_usage: Callable[[Usage], None] = free,
    cancelled: Callable[[], bool] = lambda: False,
) -> Answered[T] | AnswerInvalid | Stopped:
    """Let the model look with `tools`, then take its final text as an `answer`; an invalid one is asked again once."""
    return Loop(model, tools, prompt, limits, record, clock, on_usage, cancelled).until_answer(answer)
