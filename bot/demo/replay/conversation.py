"""A request's conversation, read once: what was asked, which calls were made and what they said.

The server keeps nothing between requests: each answer is found by playing the role again from the start, with the
recorded results in place of the calls, until the play asks for something that is not on record yet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any


class NotUnderstood(Exception):
    """The request does not say what this server can play; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call, asked for or on record."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The play's end: a text, or a last call."""

    text: str = ""
    call: Call | None = None


Play = Generator[list[Call], list[str], Done]
"""Yields calls to make side by side, is sent what they said, and returns how it ends."""


@dataclass(frozen=True, slots=True)
class ToolType:
    """A tool as the request declares it."""

    name: str
    parameters: dict[str, Any]


@dataclass(slots=True)
class Conversation:
    """One request, whatever API it came by."""

    instructions: str = ""
    said: list[str] = field(default_factory=list)
    """what the user said, oldest first"""
    calls: list[Call] = field(default_factory=list)
    results: dict[str, str] = field(default_factory=dict)
    tools: dict[str, ToolType] = field(default_factory=dict)
    schema: dict[str, Any] | None = None
    text: str = ""
    """everything, for counting tokens"""
    fresh: str = ""
    """what came after the last answer"""

    @property
    def brief(self) -> dict[str, Any]:
        """The JSON block at the end of the first user message."""
        if not self.said:
            raise NotUnderstood("there is no user message")
        found = re.search(r"(?:\A|\n)```json[^\n`]*\n((?:(?!\n```).)*)\n```\s*\Z", self.said[0], re.DOTALL)
        if not found:
            raise NotUnderstood("the first user message must end with one fenced ```json block")
        try:
            value = json.loads(found[1])
        except ValueError as error:
            raise NotUnderstood(f"the fenced block of the user message is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise NotUnderstood("the fenced block of the user message must be a JSON object")
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says now: calls, or a text."""

    calls: tuple[Call, ...] = ()
    text: str = ""


def perform(play: Play, talk: Conversation) -> Answer:
    """Play from the start over what is on record, and say what comes next."""
    recorded = list(talk.calls)
    step = 0
    try:
        wanted = next(play)
        while True:
            step += 1
            on_record, recorded = recorded[: len(wanted)], recorded[len(wanted) :]
            if not on_record:
                return Answer(calls=tuple(_numbered(wanted, step)))
            _same(wanted, on_record)
            wanted = play.send([_result(talk, call) for call in on_record])
    except StopIteration as end:
        done: Done = end.value
        return Answer(calls=tuple(_numbered([done.call], step + 1)) if done.call else (), text=done.text)


def _numbered(calls: Sequence[Call], step: int) -> list[Call]:
    return [Call(c.name, c.arguments, f"call_{step}_{n}") for n, c in enumerate(calls)]


def _same(wanted: Sequence[Call], found: Sequence[Call]) -> None:
    for w, f in zip(wanted, found, strict=False):
        if (w.name, w.arguments) != (f.name, f.arguments):
            raise NotUnderstood(
                f"the conversation is not one that this server began: the call {f.id} is {f.name} where "
                f"{w.name} was asked for"
            )
    if len(found) < len(wanted):
        raise NotUnderstood(f"{len(wanted)} calls were asked for and {len(found)} are on record")


def _result(talk: Conversation, call: Call) -> str:
    if call.id not in talk.results:
        raise NotUnderstood(f"the call {call.id} ({call.name}) has no output")
    return talk.results[call.id]


def tokens(text: str) -> int:
    """Tokens of a text as this server counts them: four characters each."""
    return (len(text) + 3) // 4
