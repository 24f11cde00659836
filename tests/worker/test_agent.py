"""The loop against scripted models: how runs end, what is asked again, what a model's mistakes lead to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.agent import ask, run
from worker.messages import (
    Answered,
    AnswerInvalid,
    Message,
    ModelAnswer,
    ModelInvalid,
    ModelRefused,
    ModelUnavailable,
    Outcome,
    Prompt,
    Stopped,
    ToolCall,
    ToolFailure,
    ToolMistake,
    ToolResult,
    ToolSpec,
)
from worker.task import Limits, Usage

PROMPT = Prompt("Do.", "Go.", "test@1")
DONE = ("finish", {"status": "done", "summary": "It is done."})
Calls = Callable[..., ModelAnswer]


class Echo:
    """A tool that says what it is given, and counts."""

    spec = ToolSpec(name="echo", description="", parameters={"type": "object"})

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.count = 0

    def call(self, arguments: str, timeout_s: float) -> str:
        self.seconds.append(timeout_s)
        self.count += 1
        said = json.loads(arguments).get("say", "")
        if said == "mistake":
            raise ToolMistake("you said it")
        if said == "broken":
            raise ToolFailure("sandbox", "no sandbox")
        return f"{said} {self.count}" if said == "count" else str(said)


class Clock:
    """Moves on by `step` seconds each time that it is looked at."""

    def __init__(self, step: float) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


def results(model: Any) -> list[str]:
    return [item.output for item in model.requests[-1].items if isinstance(item, ToolResult)]


def work(model: Any, *, limits: Limits | None = None, **more: Any) -> Outcome:
    return run(model, [Echo()], PROMPT, limits or Limits(), **more)


# --- the good way


def test_a_run_ends_by_finish(scripted: Any, calls: Calls) -> None:
    model = scripted(calls(("echo", {"say": "hi"}), text="Let me see."), calls(DONE))
    outcome = work(model)
    assert (outcome.handoff.status, outcome.handoff.summary, outcome.handoff.failure) == ("done", "It is done.", None)
    assert (outcome.steps, outcome.usage) == (2, Usage(calls=2, input_tokens=20, output_tokens=2))
    first, second = model.requests
    assert [tool.name for tool in first.tools] == ["echo", "finish"]
    assert first.instructions == "Do."
    assert second.items == (
        Message(role="user", text="Go."),
        Message(role="assistant", text="Let me see."),
        ToolCall(id="c0", name="echo", arguments='{"say": "hi"}'),
        ToolResult(id="c0", output="hi"),
    )
    assert second.items[: len(first.items)] == first.items  # a stable prefix: caches hit


def test_calls_of_one_answer_are_done_in_order_and_those_after_finish_are_not(scripted: Any, calls: Calls) -> None:
    seen: list[str] = []
    model = scripted(calls(("echo", {"say": "a"}), DONE, ("echo", {"say": "b"})))
    outcome = work(model, record=lambda kind, data: seen.append(kind))
    assert outcome.handoff.status == "done"
    assert seen == ["prompt", "message", "request", "usage", "call", "result", "call", "result", "ignored", "end"]


def test_usage_is_told_after_each_call(scripted: Any, calls: Calls) -> None:
    told: list[Usage] = []
    work(scripted(calls(("echo", {})), calls(DONE, tokens=5)), on_usage=told.append)
    assert [usage.input_tokens for usage in told] == [10, 5]


# --- mistakes


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("nope", {}), "error: there is no tool 'nope'; there are: echo"),
        (("echo", "{not json"), "error: arguments are not JSON: Expecting property name"),
        (("echo", "[1]"), "error: arguments must be a JSON object"),
        (("echo", '{"a": "' + "x" * 1_000_000 + '"}'), "error: arguments of 1000009 characters; at most 1000000"),
        (("echo", "[" * 100_000), "error: arguments are not JSON"),
        (("echo", {"say": "mistake"}), "error: you said it"),
        (
            ("finish", {"status": "perfect"}),
            "error: bad arguments for finish:\nstatus: Input should be 'done' or 'failed'\nsummary: Field required",
        ),
    ],
)
def test_a_mistake_is_told_and_the_run_goes_on(scripted: Any, calls: Calls, call: tuple[str, Any], told: str) -> None:
    model = scripted(calls(call), calls(DONE))
    assert work(model).handoff.status == "done"
    assert results(model)[0].startswith(told)
    assert all(len(item.arguments) < 1000 for item in model.requests[-1].items if isinstance(item, ToolCall))


def test_mistakes_without_end_end_the_run(scripted: Any, calls: Calls) -> None:
    outcome = work(scripted(calls(("nope", {}))))
    assert (outcome.handoff.failure, outcome.steps) == ("tool_error", 8)
    assert outcome.handoff.summary.startswith(
        "No answer: 8 wrong tool calls in a row; the last: there is no tool 'nope'"
    )


def test_text_without_a_call_is_nudged_three_times(scripted: Any, calls: Calls) -> None:
    outcome = work(scripted(calls(text="I think it is fine.")))
    assert (outcome.handoff.failure, outcome.steps) == ("unknown", 4)
    assert outcome.handoff.notes == ("Last words: I think it is fine.",)


def test_ids_that_are_missing_or_repeated_are_made_unique(scripted: Any) -> None:
    twice = ModelAnswer(
        tool_calls=tuple(ToolCall(id=id, name="echo", arguments='{"say": "count"}') for id in ("", "x", "x"))
    )
    done = ModelAnswer(tool_calls=(ToolCall(id="x", name="finish", arguments='{"status": "done", "summary": ""}'),))
    model = scripted(twice, twice, done)
    assert work(model).handoff.status == "done"
    ids = [item.id for item in model.requests[-1].items if isinstance(item, ToolCall)]
    assert len(set(ids)) == len(ids) == 6
    assert ids == [item.id for item in model.requests[-1].items if isinstance(item, ToolResult)]


def test_the_same_call_with_the_same_result_is_warned_of_then_ends_the_run(scripted: Any, calls: Calls) -> None:
    model = scripted(calls(("echo", {"say": "again"})))
    outcome = work(model)
    assert (outcome.handoff.failure, outcome.steps) == ("cap_hit", 6)
    assert [("[You have" in result) for result in results(model)] == [False, False, True, False, False]


def test_going_back_and_forth_is_a_loop_too(scripted: Any, calls: Calls) -> None:
    there, back = calls(("echo", {"say": "there"})), calls(("echo", {"say": "back"}))
    outcome = work(scripted(*[there, back] * 20))
    assert (outcome.handoff.failure, outcome.steps) == ("cap_hit", 12)


def test_the_same_call_with_new_results_is_no_loop(scripted: Any, calls: Calls) -> None:
    model = scripted(*[calls(("echo", {"say": "count"}))] * 10, calls(DONE))
    assert work(model).handoff.status == "done"


# --- limits and failures


def test_steps_are_capped_and_the_last_one_is_announced(scripted: Any, calls: Calls) -> None:
    model = scripted(calls(("echo", {"say": "count"})))
    outcome = work(model, limits=Limits(steps=3))
    assert (outcome.handoff.failure, outcome.handoff.summary) == ("cap_hit", "No answer: 3 steps are used up.")
    assert model.requests[-1].items[-1] == Message(
        role="user", text="This is your last step: end now with what you have."
    )


@pytest.mark.parametrize(
    ("limits", "failure", "summary"),
    [
        (Limits(tokens=30), "cap_hit", "No answer: 30 tokens are used up."),
        (Limits(dollars=0.5), "cap_hit", "No answer: $0.5 are used up."),
        (Limits(wall_s=20), "timeout", "No answer: 20 s are over."),
    ],
)
def test_other_caps_hold(scripted: Any, calls: Calls, limits: Limits, failure: str, summary: str) -> None:
    answer = calls(("echo", {"say": "count"}))
    answer = answer.model_copy(update={"usage": answer.usage.model_copy(update={"dollars": 0.2})})
    outcome = work(scripted(answer), limits=limits, clock=Clock(1.0))
    assert (outcome.handoff.failure, outcome.handoff.summary) == (failure, summary)


def test_models_and_tools_get_the_seconds_that_are_left(scripted: Any, calls: Calls) -> None:
    tool, model = Echo(), scripted(calls(("echo", {"say": "count"})))
    run(model, [tool], PROMPT, Limits(wall_s=50, stall_s=40), clock=Clock(1.0))
    asked = [request.timeout_s for request in model.requests]
    assert asked[0] == 40
    assert asked == sorted(asked, reverse=True)
    assert tool.seconds[-1] < 10


@pytest.mark.parametrize(
    ("error", "failure", "retry_after"),
    [
        (ModelUnavailable("overloaded", retry_after=300), "network", 300),
        (ModelRefused("401 wrong key"), "model_refused", None),
    ],
)
def test_a_model_that_fails_ends_the_run_with_its_class(
    scripted: Any, calls: Calls, error: Any, failure: str, retry_after: Any
) -> None:
    outcome = work(scripted(calls(("echo", {})), error))
    assert (outcome.handoff.status, outcome.handoff.failure, outcome.retry_after) == ("failed", failure, retry_after)


def test_an_unreadable_answer_is_asked_for_again_twice_and_paid_for(scripted: Any, calls: Calls) -> None:
    broken = ModelInvalid("cut off", usage=Usage(calls=1, input_tokens=7))
    assert work(scripted(broken, broken, calls(DONE))).usage.input_tokens == 24
    outcome = work(scripted(broken))
    assert (outcome.handoff.failure, outcome.steps) == ("unknown", 3)


def test_a_tool_that_cannot_work_ends_the_run(scripted: Any, calls: Calls) -> None:
    assert work(scripted(calls(("echo", {"say": "broken"})))).handoff.failure == "sandbox"


def test_a_cancelled_run_ends_before_the_next_call(scripted: Any, calls: Calls) -> None:
    model = scripted(calls(("echo", {})))
    outcome = work(model, cancelled=lambda: len(model.requests) == 1)
    assert outcome.handoff.summary == "No answer: the attempt was cancelled."
    assert len(model.requests) == 1


def test_long_outputs_show_head_and_tail(scripted: Any, calls: Calls) -> None:
    model = scripted(calls(("echo", {"say": "a" * 3000 + "z" * 3000})), calls(DONE))
    work(model, limits=Limits(output_chars=1000))
    assert results(model)[0] == "a" * 500 + "\n[… 5000 characters left out …]\n" + "z" * 500


# --- anything a model may say


ANY_CALL = st.builds(
    ToolCall,
    id=st.sampled_from(["", "a", "b"]) | st.text(max_size=5),
    name=st.sampled_from(["echo", "finish", "nope", ""]) | st.text(max_size=5),
    arguments=st.sampled_from(
        ["", "{}", '{"say": "x"}', '{"say": "mistake"}', "null", '{"status": "done", "summary": "s"}', '{"status"']
    )
    | st.text(max_size=20),
)
ANY_ANSWER = st.builds(
    ModelAnswer,
    text=st.sampled_from(["", "{}"]) | st.text(max_size=20),
    tool_calls=st.lists(ANY_CALL, max_size=4).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(answers=st.lists(ANY_ANSWER, min_size=1, max_size=12))
def test_no_answers_break_the_loop(scripted: Any, answers: list[ModelAnswer]) -> None:
    model = scripted(*answers)
    outcome = run(model, [Echo()], PROMPT, Limits(steps=15))
    assert outcome.steps <= 15
    asked = ask(scripted(*answers), [Echo()], PROMPT, Limits(steps=15), Usage)
    assert isinstance(asked, Answered | AnswerInvalid | Stopped)
    for request in model.requests:
        made = [item.id for item in request.items if isinstance(item, ToolCall)]
        answered = [item.id for item in request.items if isinstance(item, ToolResult)]
        assert made == answered
        assert len(set(made)) == len(made)
        assert all(isinstance(json.loads(item.arguments), dict) for item in request.items if isinstance(item, ToolCall))
