"""The bot's sentences, whole."""

from __future__ import annotations

import pytest

from bot import comments, previews, pulltext
from bot.previews import CostBasis
from planner.actions import PullText
from planner.facts import ChildView, CommandResult, Diffstat, Goal, Report, Usage
from planner.judge import Verdict
from planner.plan import AddSubplanner, AddTask, Plan
from planner.policy import Limits
from planner.view import PlannerView, Waiting

CHILDREN = (
    ChildView(id="a", kind="task", title="Add `tokens`", state="landed", number=2, pull=5),
    ChildView(id="b", kind="task", title="Add a parser", state="failed", number=3, reason="three attempts failed"),
)
PLAN = Plan(
    summary="Two steps.",
    scratchpad="",
    operations=(
        AddTask(
            op="add_task", id="a", title="Add tokens", goal="g", acceptance=("make test",), paths=("lex/",), size=80
        ),
        AddSubplanner(
            op="add_subplanner", id="p", title="Parser [all]", goal="g", paths=("parse/",), depends_on=("a",)
        ),
    ),
    will_not_do=("touch the printer",),
    assumptions=("Python 3.11",),
)


def planner(**changes: object) -> PlannerView:
    view = PlannerView(
        key="5-1/r", title="T", state="running", number=1, parent=None, started_by="ada", target="main", summary="Going.",
        turn=2, children=CHILDREN, done=2, plan=None, plan_hash="", waiting=(), pull=None, pulls=(), reason=None, held=(),
        usage=Usage(calls=3, input_tokens=1000, output_tokens=200, dollars=0.5), limits=Limits(), verdict=None,
        evidence=(),
    )  # fmt: skip
    return view.model_copy(update=changes)


def test_a_stranger_is_told_once_and_shortly() -> None:
    assert comments.say("refused", {"login": "eve"}, None, "bw") == (
        "@\u2060eve, only people with write permission can start Branchwork here, so nothing was started.\n\n"
        "Someone with write permission can put the label on again."
    ).replace("\u2060", "")


def test_questions_and_parks_say_what_to_do() -> None:
    assert comments.say("question", {"login": "ada", "reason": "Which?\nA or B"}, None, "bw") == (
        "@ada, please answer here, in a comment that begins with `@bw`:\n\n> Which?\n> A or B\n\nWhat does not depend on it goes on meanwhile."
    )
    assert comments.say("parked", {"login": "ada", "reason": "CI never started."}, None, "bw") == (
        "@ada, this waits for you: CI never started.\n\n"
        "Say here, in a comment that begins with `@bw`, what should be different; "
        "or comment `/branchwork retry` to try the same again."
    )


def test_a_wrong_command_gets_the_list() -> None:
    told = comments.say("unknown_command", {"word": "aprove", "did_you_mean": "approve"}, None, "bw")
    assert told.startswith("`/branchwork aprove` is no command. Did you mean `/branchwork approve`?\n\nCommands, at")


def test_the_final_report() -> None:
    view = planner(
        verdict=Verdict(verdict="done", reason="All there."),
        evidence=(CommandResult(command="make test", exit_code=0, output=""),),
    )
    assert comments.say("final", {"login": "ada"}, view, "bw") == (
        "Nothing is left to do, @ada: the goal is met.\n\nThe judge: All there.\n\nRun by us on the result:\n"
        "- `make test`: passed\n\nWhat it took:\n- [x] #2 Add 'tokens': landed, pull request #5\n"
        "- [ ] #3 Add a parser: failed: three attempts failed\n\n"
        "Spent: $0.50 of at most $20.00, 1,200 tokens in 3 calls."
    )


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, "**Nothing for you to do:** 2 of 2 tasks ended"),
        ({"children": (), "state": "planning"}, "**Nothing for you to do:** planning"),
        ({"waiting": (Waiting(what="review", login="ada", number=12),)}, "**Waiting for you:** review #12"),
        (
            {"held": (("model", "the model server is away"),)},
            "**Nothing for you to do here:** it goes on by itself when this is over: the model server is away",
        ),
    ],
)
def test_the_first_line_of_a_status(changes: dict[str, object], first: str) -> None:
    assert comments.status(planner(**changes)).splitlines()[0] == first


def test_a_redirect_is_told_child_by_child() -> None:
    rows = (("add", "New", ""), ("keep", "Old", "still good"), ("cancel", "Gone", "not asked for"))
    assert comments.redirect("Done so.", rows) == (
        "Nothing for you to do: your words changed the plan like this.\n\nDone so.\n\n"
        "- **keep** Old (still good)\n- **cancel** Gone (not asked for)\n- **add** New"
    )


def test_a_preview() -> None:
    view = planner(plan=PLAN, plan_hash="abc123", children=(), state="preview")
    told = previews.preview(view, CostBasis(0.5, 4), "bw")
    assert told == (
        "Please approve this plan, @ada: tick the box at the end.\n\n"
        "Or say what should be different, in a comment that begins with `@bw`.\n\nTwo steps.\n\n"
        "1. **Add tokens**: `lex/`.\n   Done when: `make test`\n"
        "2. **Parser [all]** (a planner of its own): `parse/`. After a.\n   Done when: the judge's word\n\n"
        "1 pull request for tasks, about 80 changed lines; 1 planner to split a part further.\n\n"
        "It will not:\n- touch the printer\n\nIt assumes:\n- Python 3.11\n\n"
        "Cost: $1.75 to $5.00, from 4 tasks done here. Planning cost $0.50 so far. "
        "The cap is $20.00: there it stops and asks.\n\n"
        "Time: 2 to 50 minutes, a guess from 2 to 10 minutes a task with 8 at once; your reviews come on top.\n\n"
        '```mermaid\ngraph LR\n  n0["Add tokens"]\n  n1[["Parser  all "]]\n  n0 --> n1\n```\n\n'
        "- [ ] Approve this plan (`abc123`)"
    )
    assert previews.TICK.search(told) is None
    assert previews.TICK.search(told.replace("- [ ]", "- [x]")) is not None


def test_a_pull_request_tells_facts_from_claims() -> None:
    text = PullText(
        goal=Goal(title="T", body="B"),
        diff=Diffstat(files=("a.py",), added=3, deleted=1),
        report=Report(summary="Adds it.", done=("tested on Windows",), concerns=("the loop",)),
        sha="f" * 40,
        checks="green",
        results=(CommandResult(command="make test", exit_code=0, output=""),),
        attempts=2,
        closes=(1,),
        started_by="ada",
    )
    assert pulltext.pull_body(text) == (
        "Proven: ready for a review of 4 changed lines.\n\nAdds it.\n\nChanges `a.py`: +3 −1.\n\nAt ffffffffff:\n"
        "- CI: green\n- `make test`, run by us in a fresh sandbox: passed\n\nLook hardest at:\n- the loop\n\n"
        "The worker says (not verified):\n- tested on Windows\n\nAsked for by ada; attempt 2.\n\nCloses #1"
    )
    red = pulltext.pull_body(text.model_copy(update={"checks": "red"}))
    assert red.startswith("Nothing for you to do: CI is red and the next attempt is on its way.")


def test_words_of_others_cannot_break_out() -> None:
    assert comments.plain("`x` @ada <!-- y\n|") == "'x' @\u2060ada &lt;!-- y \\|"
