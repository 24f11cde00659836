"""One run of the loop, step by step; the front doors are `worker.agent.run` and `worker.agent.ask`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import ValidationError

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
    readable,
    unfenced,
)  # fmt: skip
from worker.task import Failure, Handoff, Limits, Report, Usage
from worker.watch import LoopDetector, clip

FINISH = "finish"
MAX_NUDGES = 3
MAX_MISTAKES = 8
MAX_UNREADABLE = 2
MAX_ARGUMENTS = 1_000_000


class _Stop(Exception):
    """The run must end here, without an answer of its own."""

    def __init__(self, failure: Failure, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.failure: Failure = failure
        self.reason = reason
        self.retry_after = retry_after


class Loop:
    """The state of one run: what was said, what it cost, how often the model went astray."""

    def __init__(
        self,
        model: Model,
        tools: Sequence[Tool],
        prompt: Prompt,
        limits: Limits,
        record: Record,
        clock: Clock,
        on_usage: Callable[[Usage], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.model, self.limits, self.clock = model, limits, clock
        self.prompt, self.record, self.on_usage, self.cancelled = prompt, record, on_usage, cancelled
        self.tools = {tool.spec.name: tool for tool in tools}
        self.items: list[Item] = []
        self.usage = Usage()
        self.steps = self.mistakes = self.nudges = self.unreadable = 0
        self.detector = LoopDetector()
        self.started = clock()
        record("prompt", {"version": prompt.version, "instructions": prompt.instructions})
        self._say("user", prompt.message)

    def until_finish(self) -> Outcome:
        specs = (*(tool.spec for tool in self.tools.values()), FINISH_SPEC)
        retry_after = None
        try:
            handoff = self._work(specs)
        except _Stop as stop:
            handoff, retry_after = self._synthetic(stop), stop.retry_after
        self.record("end", handoff)
        return Outcome(handoff, self.usage, self.steps, retry_after)

    def until_answer(self, wanted: type[T]) -> Answered[T] | AnswerInvalid | Stopped:
        specs = tuple(tool.spec for tool in self.tools.values())
        schema = wanted.model_json_schema()
        asked_again = False
        try:
            while True:
                answer = self._step(specs, schema, wanted.__name__)
                if answer is None:
                    continue
                if answer.tool_calls:
                    for call in answer.tool_calls:
                        self._use(call)
                    continue
                try:
                    value = wanted.model_validate_json(unfenced(answer.text))
                except ValidationError as error:
                    errors = readable(error)
                    self.record("invalid", {"errors": errors})
                    if asked_again:
                        return AnswerInvalid(errors, answer.text, self.usage, self.steps)
                    asked_again = True
                    self._say("user", f"That answer does not validate:\n{errors}\nSend the whole corrected JSON.")
                    continue
                self.record("end", value)
                return Answered(value, self.usage, self.steps)
        except _Stop as stop:
            self.record("end", {"failure": stop.failure, "reason": stop.reason})
            return Stopped(stop.failure, stop.reason, self.usage, self.steps, stop.retry_after)

    def _work(self, specs: tuple[ToolSpec, ...]) -> Handoff:
        while True:
            answer = self._step(specs, None, "")
            if answer is None:
                continue
            for at, call in enumerate(answer.tool_calls):
                if call.name != FINISH:
                    self._use(call)
                    continue
                report = self._finish(call)
                if report is not None:
                    for late in answer.tool_calls[at + 1 :]:
                        self.record("ignored", late)
                    return Handoff(**report.model_dump())
            if answer.tool_calls:
                self.nudges = 0
                continue
            self.nudges += 1
            if self.nudges > MAX_NUDGES:
                raise _Stop("unknown", f"the model stopped calling tools and did not call {FINISH}")
            self._say("user", f"No tool was called. Go on with a tool, or call `{FINISH}` with your handoff.")

    def _step(self, specs: tuple[ToolSpec, ...], schema: dict[str, Any] | None, name: str) -> ModelAnswer | None:
        """One model call, within all limits. None: the answer was unreadable and the model has been told."""
        self._check()
        self.steps += 1
        if self.steps == self.limits.steps and self.steps > 1:
            self._say("user", "This is your last step: end now with what you have.")
        request = ModelRequest(
            instructions=self.prompt.instructions,
            items=tuple(self.items),
            tools=specs,
            answer_schema=schema,
            answer_name=name or "answer",
            timeout_s=self._seconds(),
        )
        self.record("request", {"step": self.steps, "items": len(self.items)})
        try:
            answer = self.model.answer(request)
        except ModelError as error:
            self._count(error.usage)
            self.record("model_error", {"type": type(error).__name__, "message": str(error)})
            self._after(error)
            return None
        self._count(answer.usage)
        self.unreadable = 0
        answer = self._normal(answer)
        if answer.text:
            self._say("assistant", answer.text)
        return answer

    def _after(self, error: ModelError) -> None:
        match error:
            case ModelUnavailable():
                raise _Stop("network", f"the model server cannot be used: {error}", error.retry_after)
            case ModelInvalid():
                self.unreadable += 1
                if self.unreadable > MAX_UNREADABLE:
                    raise _Stop("unknown", f"the model's answers cannot be read: {error}")
                self._say("user", f"Your last answer could not be read ({error}). Answer again, shorter.")
            case _:
                raise _Stop("model_refused", f"the model refused: {error}")

    def _normal(self, answer: ModelAnswer) -> ModelAnswer:
        """Ids made unique and arguments made parseable, so that the next request is one that a server accepts."""
        seen = {item.id for item in self.items if isinstance(item, ToolCall)}
        calls = []
        for at, call in enumerate(answer.tool_calls):
            unique = call.id if call.id and call.id not in seen else f"call_{self.steps}_{at}"
            seen.add(unique)
            calls.append(call.model_copy(update={"id": unique, "arguments": call.arguments.strip() or "{}"}))
        return answer.model_copy(update={"tool_calls": tuple(calls)})

    def _use(self, call: ToolCall) -> None:
        self._check()
        tool = self.tools.get(call.name)
        try:
            self._accept(call)
            if tool is None:
                raise ToolMistake(f"there is no tool {call.name[:80]!r}; there are: {', '.join(sorted(self.tools))}")
            output = clip(tool.call(call.arguments, self._seconds()), self.limits.output_chars)
        except ToolMistake as mistake:
            self._mistake(call, str(mistake))
            return
        except ToolFailure as failure:
            raise _Stop(failure.failure, str(failure)) from failure
        self.mistakes = 0
        match self.detector.saw(call.name, call.arguments, output):
            case "warn":
                output += "\n\n[You have made this call with this result before, again and again. Do something else.]"
            case "stop":
                raise _Stop("cap_hit", f"the model went in a loop on {call.name}")
            case "fine":
                pass
        self._result(call, output)

    def _finish(self, call: ToolCall) -> Report | None:
        try:
            self._accept(call)
            report = Report.model_validate_json(call.arguments)
        except ToolMistake as mistake:
            self._mistake(call, str(mistake))
            return None
        except ValidationError as error:
            self._mistake(call, f"bad arguments for {FINISH}:\n{readable(error)}")
            return None
        self._result(call, "accepted")
        return report

    def _accept(self, call: ToolCall) -> None:
        """Put the call on record; what later requests repeat of it is always short, valid JSON."""
        self.record("call", call)
        problem = None
        if len(call.arguments) > MAX_ARGUMENTS:
            problem = f"arguments of {len(call.arguments)} characters; at most {MAX_ARGUMENTS}"
        else:
            try:
                if not isinstance(json.loads(call.arguments), dict):
                    problem = "arguments must be a JSON object"
            except (ValueError, RecursionError) as error:
                problem = f"arguments are not JSON: {error}"
        self.items.append(call if problem is None else call.model_copy(update={"arguments": "{}"}))
        if problem is not None:
            raise ToolMistake(problem)

    def _mistake(self, call: ToolCall, text: str) -> None:
        self.mistakes += 1
        self._result(call, "error: " + clip(text, 4_000))
        if self.mistakes >= MAX_MISTAKES:
            raise _Stop("tool_error", f"{self.mistakes} wrong tool calls in a row; the last: {text[:500]}")

    def _result(self, call: ToolCall, output: str) -> None:
        result = ToolResult(id=call.id, output=output)
        self.items.append(result)
        self.record("result", result)

    def _say(self, role: Literal["user", "assistant"], text: str) -> None:
        message = Message(role=role, text=text)
        self.items.append(message)
        self.record("message", message)

    def _count(self, usage: Usage) -> None:
        self.usage = self.usage + usage
        self.record("usage", usage)
        self.on_usage(usage)

    def _seconds(self) -> float:
        return max(0.001, min(self.limits.stall_s, self.limits.wall_s - (self.clock() - self.started)))

    def _check(self) -> None:
        if self.cancelled():
            raise _Stop("unknown", "the attempt was cancelled")
        if self.clock() - self.started >= self.limits.wall_s:
            raise _Stop("timeout", f"{self.limits.wall_s:g} s are over")
        if self.usage.tokens >= self.limits.tokens:
            raise _Stop("cap_hit", f"{self.limits.tokens} tokens are used up")
        if self.limits.dollars is not None and self.usage.dollars >= self.limits.dollars:
            raise _Stop("cap_hit", f"${self.limits.dollars:g} are used up")
        if self.steps >= self.limits.steps:
            raise _Stop("cap_hit", f"{self.limits.steps} steps are used up")

    def _synthetic(self, stop: _Stop) -> Handoff:
        """A dead worker reports too: why it ended, and the last thing that it said."""
        messages = [item for item in self.items if isinstance(item, Message)]
        said = [message.text for message in messages if message.role == "assistant" and message.text]
        notes = (f"Last words: {clip(said[-1], 1_000)}",) if said else ()
        return Handoff(status="failed", summary=f"No answer: {stop.reason}.", notes=notes, failure=stop.failure)


FINISH_SPEC = ToolSpec(
    name=FINISH,
    description="End the attempt with your handoff. Call it once, alone, when the work is done or cannot be done.",
    parameters=Report.model_json_schema(),
)
