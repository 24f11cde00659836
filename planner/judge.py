"""The judge's answer. What it is asked with is built by `planner.turn.judge_input`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.model import Value


class Verdict(Value):
    """Whether a planner's claim is believed. It gates the closing of that one node."""

    verdict: Literal["done", "continue", "stop"]
    reason: Annotated[str, Field(max_length=4000)]
    missing: tuple[str, ...] = Field(default=(), max_length=30)
    """with `continue`: what is still to be done"""
