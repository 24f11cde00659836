"""The bot's sentences: short, and the first line says what the reader must do. Pure: values in, Markdown out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.commands import USAGE, WORDS
from planner.facts import ChildView
from planner.view import PlannerView, Waiting

Facts = Mapping[str, str | int | float | list[str]]

ENDED = ("done", "landed", "cancelled", "failed")
WORDS_OF_STATE = {
    "waiting": "waits for others",
    "ready": "next in line",
    "working": "in work",
    "checking": "being tested",
    "review": "waits for a review",
    "landing": "landing",
    "landed": "landed",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
    "parked": "waits for an answer",
    "planning": "planning",
    "preview": "plan waits for approval",
    "running": "running",
    "judging": "being judged",
    "slice": "waits for its pull request",
}


def say(text: str, facts: Facts, view: PlannerView | None, app: str) -> str:
    """The comment that a `Say` names. `app` is the app's slug, by which people address it."""
    login = plain(str(facts.get("login", "")))
    reason = str(facts.get("reason", ""))
    match text:
        case "refused":
            return (
                f"@{login}, only people with write permission can start Branchwork here, so nothing was started.\n\n"
                "Someone with write permission can put the label on again."
            )
        case "config_invalid":
            problems = facts.get("problems", [])
            lines = "\n".join(f"- {p}" for p in problems) if isinstance(problems, list) else str(problems)
            return (
                "Please correct `.github/branchwork.yml` on the default branch, then put the label on again.\n\n"
                f"{lines}"
            )
        case "question":
            return (
                f"@{login}, please answer here, in a comment that begins with `@{app}`:\n\n{quoted(reason)}\n\n"
                "What does not depend on it goes on meanwhile."
            )
        case "parked":
            return (
                f"@{login}, this waits for you: {reason.rstrip('.')}.\n\n"
                f"Say here, in a comment that begins with `@{app}`, what should be different; "
                "or comment `/branchwork retry` to try the same again."
            )
        case "final":
            return final(login, view)
        case "help":
            return help_text(app)
        case "unknown_command":
            mean = facts.get("did_you_mean")
            guess = f" Did you mean `/branchwork {mean}`?" if mean else ""
            return f"`/branchwork {plain(str(facts.get('word', '')))}` is no command.{guess}\n\n{help_text(app)}"
        case _:
            raise ValueError(f"there is no sentence called {text!r}")


def help_text(app: str) -> str:
    """What people can say."""
    rows = "\n".join(f"- `/branchwork {usage}`: {meaning}" for usage, meaning in USAGE.items())
    assert all(any(usage.startswith(word) for usage in USAGE) for word in WORDS)
    return f"Commands, at the start of a line:\n{rows}\n\nOr begin with `@{app}` and say it in your own words."


def final(login: str, view: PlannerView | None) -> str:
    """The report at a tree's end."""
    if view is None:
        return f"@{login}, nothing is left to do: the work is done."
    lines = [f"Nothing is left to do, @{login}: the goal is met."]
    if view.verdict is not None:
        lines += ["", f"The judge: {one_line(view.verdict.reason, 600)}"]
    if view.evidence:
        lines += ["", "Run by us on the result:", *(f"- `{plain(e.command)}`: {passed(e.ok)}" for e in view.evidence)]
    if view.children:
        lines += ["", "What it took:", *(child_line(c) for c in view.children)]
    lines += ["", f"Spent: {spent(view)}."]
    return "\n".join(lines)


def status(view: PlannerView) -> str:
    """The one status comment of a planner's issue, edited in place."""
    lines = [first_line(view)]
    if view.summary:
        lines += ["", one_line(view.summary, 600)]
    if view.children:
        lines += ["", *(child_line(c) for c in view.children)]
    pulls = [p for p in (*view.pulls, view.pull) if p is not None]
    if pulls:
        lines += ["", "Pull requests of this issue: " + ", ".join(f"#{p}" for p in dict.fromkeys(pulls))]
    lines += ["", f"Turn {view.turn}; spent {spent(view)}."]
    return "\n".join(lines)


def first_line(view: PlannerView) -> str:
    """Who must do what."""
    if view.waiting:
        return "**Waiting for you:** " + "; ".join(wait_words(w) for w in view.waiting)
    if view.held:
        causes = "; ".join(dict.fromkeys(one_line(reason, 200) for _, reason in view.held))
        return f"**Nothing for you to do here:** it goes on by itself when this is over: {causes}"
    progress = f"{view.done} of {len(view.children)} tasks ended" if view.children else state_words(view.state)
    if view.state in ENDED:
        return f"**Nothing for you to do:** {state_words(view.state)}, {progress}"
    return f"**Nothing for you to do:** {progress}"


def wait_words(wait: Waiting) -> str:
    match wait.what:
        case "approve":
            return "approve the plan in my other comment" if not wait.reason else f"approve the plan ({wait.reason})"
        case "review":
            return f"review #{wait.number}"
        case "answer":
            return (
                f"answer on #{wait.number}: {one_line(wait.reason, 200)}"
                if wait.reason
                else (f"answer on #{wait.number}")
            )


def child_line(child: ChildView) -> str:
    where = f"#{child.number} " if child.number is not None else ""
    pull = f", pull request #{child.pull}" if child.pull is not None else ""
    reason = f": {one_line(child.reason, 160)}" if child.reason and child.state not in ("landed", "done") else ""
    box = "x" if child.state in ("landed", "done") else " "
    return f"- [{box}] {where}{plain(child.title)}: {state_words(child.state)}{pull}{reason}"


def redirect(summary: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """What a redirect keeps, changes, cancels and adds."""
    lines = ["Nothing for you to do: your words changed the plan like this.", "", one_line(summary, 1000), ""]
    for what in ("keep", "change", "cancel", "add"):
        for kind, title, reason in rows:
            if kind == what:
                why = f" ({one_line(reason, 300)})" if reason else ""
                lines.append(f"- **{what}** {plain(title)}{why}")
    return "\n".join(lines)


def state_words(state: str) -> str:
    return WORDS_OF_STATE.get(state, state)


def passed(ok: bool) -> str:
    return "passed" if ok else "FAILED"


def spent(view: PlannerView) -> str:
    usage = view.usage
    tokens = usage.input_tokens + usage.output_tokens
    return f"{money(usage.dollars)} of at most {money(view.limits.dollars)}, {tokens:,} tokens in {usage.calls} calls"


def money(dollars: float) -> str:
    return f"${dollars:.2f}" if dollars >= 0.01 or dollars == 0 else f"${dollars:.4f}"


def plain(text: str) -> str:
    """One line that cannot break out of the sentence around it: no markup of its own, no mention, no link to issues."""
    return one_line(text, 300).replace("`", "'").replace("@", "@\u2060").replace("<", "&lt;").replace("|", "\\|")


def one_line(text: str, limit: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())
