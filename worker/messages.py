"""What is said between a model, its tools and the loop, and how a run can end. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from worker.task import Failure, Frozen, Handoff, Usage

T = TypeVar("T", bound=BaseModel)


class Message(Frozen):
    """Text of one side."""

    kind: Literal["message"] = "message"
    role: Literal["user", "assistant"]
    text: str


class ToolCall(Frozen):
    """The model asks for a tool. `arguments` is JSON text as the model wrote it, perhaps malformed."""

    kind: Literal["call"] = "call"
    id: str
    name: str
    arguments: str


class ToolResult(Frozen):
    """What the tool said to the call of the same id."""

    kind: Literal["result"] = "result"
    id: str
    output: str


Item = Message | ToolCall | ToolResult


class ToolSpec(Frozen):
    """A tool as the model sees it; `parameters` is a JSON schema of an object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ModelRequest(Frozen):
    """One call. The prefix (instructions, tools, earlier items) never changes within a run, so that caches hit."""

    instructions: str
    items: tuple[Item, ...]
    tools: tuple[ToolSpec, ...] = ()
    answer_schema: dict[str, Any] | None = None
    answer_name: str = "answer"
    timeout_s: float | None = None


class ModelAnswer(Frozen):
    """What came back: text, calls, or both."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage(calls=1)


class ModelError(Exception):
    """A model call that gave no answer. `usage` is what it cost all the same."""

    def __init__(self, message: str, *, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage or Usage()


class ModelUnavailable(ModelError):
    """The server is away, overloaded or too slow; `retry_after` (seconds) is its own word on when to come back."""

    def __init__(self, message: str, *, retry_after: float | None = None, usage: Usage | None = None) -> None:
        super().__init__(message, usage=usage)
        self.retry_after = retry_after


class ModelRefused(ModelError):
    """Asking the same again will not help: a refusal, a wrong key, an unknown model, a request it rejects."""


class ModelInvalid(ModelError):
    """The answer could not be read at all (cut off, not JSON); asking again may help."""


class Model(Protocol):
    """The only thing the loop needs of a provider. Raises `ModelError`s and nothing else for a failed call."""

    def answer(self, request: ModelRequest) -> ModelAnswer:
        """Answer one request, within `request.timeout_s` seconds."""
        ...


class Tool(Protocol):
    """Something the model may call. `call` raises `ToolMistake` for what the model did wrong."""

    @property
    def spec(self) -> ToolSpec:
        """How the model sees it."""
        ...

    def call(self, arguments: str, timeout_s: float) -> str:
        """Do it within `timeout_s`; `arguments` is the model's JSON text, not yet validated."""
        ...


class ToolMistake(Exception):
    """The model's mistake: the text goes back to it as the tool's output."""


class ToolFailure(Exception):
    """Not the model's fault: the attempt ends with this failure."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure: Failure = failure


@dataclass(frozen=True)
class Prompt:
    """What a run starts with. `version` says which prompt file it came from."""

    instructions: str
    message: str
    version: str = ""


Record = Callable[[str, BaseModel | Mapping[str, Any]], None]
"""Called with (kind, data) for everything that is said: kinds are listed in `worker.trajectory`."""


def ignore(kind: str, data: BaseModel | Mapping[str, Any]) -> None:
    """A `Record` for those who keep no trajectory."""


def free(usage: Usage) -> None:
    """An `on_usage` for those who count nothing."""


@dataclass(frozen=True)
class Outcome:
    """How a worker's run ended. `retry_after` is set when the model server named a time to come back."""

    handoff: Handoff
    usage: Usage
    steps: int
    retry_after: float | None = None
    written: tuple[str, ...] = ()
    """Paths that the worker wrote by tool: committed even where .gitignore would leave them out."""


@dataclass(frozen=True)
class Answered(Generic[T]):
    """The answer, valid."""

    answer: T
    usage: Usage
    steps: int


@dataclass(frozen=True)
class AnswerInvalid:
    """Two answers in a row did not validate; `errors` is readable, `text` is the last of them."""

    errors: str
    text: str
    usage: Usage
    steps: int


@dataclass(frozen=True)
class Stopped:
    """A limit or a failure came first."""

    failure: Failure
    reason: str
    usage: Usage
    steps: int
    retry_after: float | None = None


Clock = Callable[[], float]
"""Seconds, monotonic."""


def readable(error: ValidationError) -> str:
    """A validation error in a form that a model and a person can act on: one `where: what` per line."""
    lines = []
    for one in error.errors(include_url=False, include_context=False, include_input=False)[:20]:
        where = ".".join(str(part) for part in one["loc"]) or "(whole answer)"
        lines.append(f"{where}: {one['msg']}")
    return "\n".join(lines)


def unfenced(text: str) -> str:
    """The JSON of an answer that was put into one ``` fence in spite of everything."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```") and "\n" in stripped:
        return stripped.split("\n", 1)[1].removesuffix("```")
    return stripped
