"""What a comment asks."""

from __future__ import annotations

import pytest

from bot.commands import Command, Free, UnknownCommand, parse


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ("/branchwork approve", Command("approve")),
        ("thanks!\n/branchwork retry", Command("retry")),
        ("/branchwork replan use sqlite\nand no ORM", Command("replan", "use sqlite\nand no ORM")),
        ("/Branchwork Approve.", Command("approve")),
        ("/branchwork", Command("help")),
        ("/branchwork aprove", UnknownCommand("aprove", "approve")),
        ("/branchwork xyzzy", UnknownCommand("xyzzy", None)),
        ("@hub-bot approve", Command("approve")),
        ("@hub-bot, please drop the parser", Free("please drop the parser")),
        ("could you, @hub-bot, look?", Free("could you, @hub-bot, look?")),
    ],
)
def test_addressed(body: str, asked: object) -> None:
    assert parse(body, "hub-bot") == asked


@pytest.mark.parametrize(
    "body",
    [
        "nice work",
        "see /branchwork approve",
        "> /branchwork approve",
        "```\n/branchwork approve\n```",
        "    /branchwork approve",
        "`/branchwork approve`",
        "<!-- /branchwork approve -->",
        "<!--\n/branchwork approve",
        "/branchworks approve",
        "mail me at a@hub-bot.org",
        "~~~text\n@hub-bot approve\n~~~",
    ],
)
def test_not_addressed(body: str) -> None:
    assert parse(body, "hub-bot") is None
