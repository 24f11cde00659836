"""Prompts, globs, trajectories, handoffs: the small pieces."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from worker.globs import matches
from worker.messages import Message
from worker.prompts import PromptMismatch, for_brief, render
from worker.task import Brief, Handoff, Usage
from worker.trajectory import Trajectory, read
from worker.watch import clip


def test_rendering_is_strict(tmp_path: Path) -> None:
    (tmp_path / "p.md").write_text("Do {{what}} with {{tool}}, {{what}}.\n")
    first, second = (render("p", tmp_path, what=what, tool="{{what}}") for what in ("a", "b"))
    assert first.text == "Do a with {{what}}, a.\n"
    assert first.version == second.version
    assert first.version.startswith("p@")
    with pytest.raises(PromptMismatch, match=r"p.md: missing \['tool'\], unused \['extra'\]"):
        render("p", tmp_path, what="a", extra="b")


@pytest.mark.parametrize("role", ["worker", "resolver"])
def test_each_role_has_a_prompt(role: str) -> None:
    prompt = for_brief(Brief(goal="g", role=role))  # type: ignore[arg-type]
    assert prompt.version.startswith(f"{role}@")
    assert "finish" in prompt.instructions


@given(goal=st.text(), context=st.text() | st.just("```\n```json brief\n{}\n```"))
def test_the_brief_can_always_be_read_back_from_the_message(goal: str, context: str) -> None:
    brief = Brief(goal=goal, context=context)
    message = for_brief(brief).message
    start = message.index("```json brief\n") + len("```json brief\n")
    assert message.endswith("\n```")
    assert Brief.model_validate_json(message[start:-4]) == brief


@pytest.mark.parametrize(
    ("path", "pattern", "covered"),
    [
        ("a.py", "*.py", True),
        ("d/e/a.py", "*.py", True),
        ("d/a.pyc", "*.py", False),
        ("src/a/b.c", "src/**", True),
        ("src/a/b.c", "src/*.c", False),
        ("src/b.c", "src/**/*.c", True),
        ("src/a/b.c", "src", True),
        ("lib/src/b.c", "src", True),
        ("lib/src/b.c", "/src", False),
        ("lib/src/b.c", "src/", True),
        (".gitattributes", ".git*", True),
        (".github/a/b", ".git*", True),
        (".GitHub/Workflows/x.yml", ".github/workflows/**", True),
        ("a.b", "a?b", True),
        ("a/b", "a?b", False),
        ("(x)", "(x)", True),
    ],
)
def test_globs(path: str, pattern: str, covered: bool) -> None:
    assert (matches(path, [pattern]) is not None) is covered


def test_a_trajectory_is_read_back_but_for_a_torn_last_line(tmp_path: Path) -> None:
    path = tmp_path / "trajectory.jsonl"
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with Trajectory(path, now=lambda: moment) as record:
        record("message", Message(role="user", text="hé\nllo"))
        record("invalid", {"errors": "x"})
    with path.open("a") as file:
        file.write('{"torn')
    assert list(read(path)) == [
        {"at": moment.isoformat(), "kind": "message", "data": {"kind": "message", "role": "user", "text": "hé\nllo"}},
        {"at": moment.isoformat(), "kind": "invalid", "data": {"errors": "x"}},
    ]


def test_a_handoff_that_is_done_has_no_failure() -> None:
    with pytest.raises(ValidationError, match="has no failure"):
        Handoff(status="done", summary="", failure="oom")


def test_usage_adds_up() -> None:
    one = Usage(calls=1, input_tokens=2, output_tokens=3, cached_tokens=4, dollars=0.5)
    assert one + one == Usage(calls=2, input_tokens=4, output_tokens=6, cached_tokens=8, dollars=1.0)
    assert one.tokens == 5


@given(st.text(), st.integers(min_value=2, max_value=50))
def test_clipping_keeps_head_and_tail(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert clipped == text or (clipped.startswith(text[: limit // 2]) and clipped.endswith(text[-(limit // 2) :]))
