"""Bodies of the issues and pull requests that the bot writes: from the diff and trusted evidence. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from bot.comments import one_line, passed, plain
from planner.actions import PullText
from planner.facts import Goal

FIRST = {
    "waiting": "Nothing for you to do yet: CI is still running.",
    "red": "Nothing for you to do: CI is red and the next attempt is on its way.",
    "green": "",
    "absent": "",
}


def pull_body(text: PullText) -> str:
    """What a pull request says; rebuilt at every push."""
    ready = text.checks in ("green", "absent") and bool(text.results) and all(r.ok for r in text.results)
    first = FIRST[text.checks] or (
        f"Proven: ready for a review of {text.diff.lines} changed lines."
        if ready
        else "Nothing for you to do yet: our own checks have not passed."
    )
    lines = [first, "", *_what(text), "", *_evidence(text)]
    lines += _claims(text)
    if text.tasks:
        lines += ["", "Tasks in it:", *(_task(t) for t in text.tasks)]
    who = f"Asked for by {text.started_by}" + (f"; attempt {text.attempts}." if text.attempts else ".")
    lines += ["", who]
    if text.part_of is not None:
        lines += ["", f"Part of #{text.part_of}"]
    if text.closes:
        lines += ["", *(f"Closes #{n}" for n in text.closes)]
    return "\n".join(lines)


def _what(text: PullText) -> list[str]:
    files = ", ".join(f"`{plain(f)}`" for f in text.diff.files[:12])
    more = f" and {len(text.diff.files) - 12} more" if len(text.diff.files) > 12 else ""
    changed = f"Changes {files}{more}: +{text.diff.added} −{text.diff.deleted}." if files else "No changed files."
    if text.report is None:
        return [one_line(text.goal.body, 800) or plain(text.goal.title), "", changed]
    return [one_line(text.report.summary, 1500), "", changed]


def _evidence(text: PullText) -> list[str]:
    ci = {"waiting": "still running", "green": "green", "red": "red", "absent": "starts nothing here"}[text.checks]
    lines = [f"At {text.sha[:10]}:", f"- CI: {ci}"]
    lines += [f"- `{plain(r.command)}`, run by us in a fresh sandbox: {passed(r.ok)}" for r in text.results]
    if not text.results:
        lines.append("- not run by us yet")
    return lines


def _claims(text: PullText) -> list[str]:
    report = text.report
    if report is None:
        return []
    lines: list[str] = []
    for heading, items in (
        ("Look hardest at", report.concerns),
        ("Departs from the task", report.deviations),
        ("Not done", report.follow_ups),
        ("The worker says (not verified)", report.done),
    ):
        if items:
            lines += ["", f"{heading}:", *(f"- {one_line(i, 400)}" for i in items[:10])]
    return lines


def _task(task: tuple[int | None, int | None, str]) -> str:
    issue, pull, title = task
    where = " ".join(p for p in (f"#{issue}" if issue else "", f"(#{pull})" if pull else "") if p)
    return f"- {where} {plain(title)}".replace("  ", " ")


def issue_body(goal: Goal, kind: str, parent: int, depends_on: Sequence[str] = (), note: str = "") -> str:
    """A sub-issue of ours. Commands, paths and dependencies as the planner declared them."""
    what = "a worker takes it" if kind == "task" else "a planner of its own takes it"
    lines = [note, ""] if note else []
    lines += [f"Nothing for you to do: part of #{parent}, {what}.", "", goal.body.strip()]
    if goal.acceptance:
        lines += ["", "Done when these exit with 0:", *(f"- `{plain(a)}`" for a in goal.acceptance)]
    if goal.paths:
        lines += ["", "Paths: " + ", ".join(f"`{plain(p)}`" for p in goal.paths)]
    if goal.forbidden:
        lines += ["", "Not to be touched: " + ", ".join(f"`{plain(p)}`" for p in goal.forbidden)]
    if depends_on:
        lines += ["", "After: " + ", ".join(depends_on)]
    return "\n".join(lines)


def review_reply(sha: str, task_pull: int | None, task_title: str) -> str:
    """The answer in a review thread."""
    where = f"#{task_pull} ({plain(task_title)})" if task_pull else plain(task_title)
    return f"Done in {sha[:10]}, by {where}. Please look again."
