"""Answers of planner and judge: typed, asked for once more, or the caller's to judge."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from worker.agent import ask
from worker.messages import (
    Answered,
    AnswerInvalid,
    Message,
    ModelAnswer,
    ModelUnavailable,
    Prompt,
    Stopped,
    ToolSpec,
)
from worker.task import Limits

PROMPT = Prompt("Judge.", "Go.", "test@1")
Calls = Callable[..., ModelAnswer]


class Verdict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    met: bool
    reason: str


def judge(model: Any, **more: Any) -> Any:
    return ask(model, [Look()], PROMPT, Limits(), Verdict, **more)


GOOD = '{"met": true, "reason": "seen"}'


@pytest.mark.parametrize("text", [GOOD, f"```json\n{GOOD}\n```", f"\n {GOOD} \n"])
def test_an_answer_is_typed(scripted: Any, calls: Calls, text: str) -> None:
    model = scripted(calls(("look", {})), calls(text=text))
    result = judge(model)
    assert isinstance(result, Answered)
    assert result.answer == Verdict(met=True, reason="seen")
    assert result.usage.calls == 2
    assert model.requests[0].answer_schema == Verdict.model_json_schema()
    assert model.requests[0].answer_name == "Verdict"
    assert [tool.name for tool in model.requests[0].tools] == ["look"]


def test_an_invalid_answer_is_asked_for_once_more_with_the_error(scripted: Any, calls: Calls) -> None:
    model = scripted(calls(text='{"met": "perhaps"}'), calls(text=GOOD))
    assert isinstance(judge(model), Answered)
    told = model.requests[1].items[-1]
    assert isinstance(told, Message)
    assert told.text.startswith("That answer does not validate:\nmet: Input should be a valid boolean")
    assert "reason: Field required" in told.text


def test_a_second_invalid_answer_is_the_callers_to_judge(scripted: Any, calls: Calls) -> None:
    result = judge(scripted(calls(text="no JSON at all")))
    assert isinstance(result, AnswerInvalid)
    assert result.steps == 2
    assert result.text == "no JSON at all"
    assert result.errors.startswith("(whole answer): Invalid JSON")


def test_a_stopped_answer_says_why(scripted: Any) -> None:
    result = judge(scripted(ModelUnavailable("down", retry_after=9)))
    assert isinstance(result, Stopped)
    assert (result.failure, result.retry_after) == ("network", 9)


class Look:
    """A tool that shows something."""

    spec = ToolSpec(name="look", description="", parameters={"type": "object"})

    def call(self, arguments: str, timeout_s: float) -> str:
        return "seen"
