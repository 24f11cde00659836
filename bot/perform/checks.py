"""CI's word on a commit, and the trusted side's own."""

from __future__ import annotations

from bot import logs, workflows
from bot.contract import ActionRow, Later, Performed
from bot.github.gateway import Gateway
from bot.mirror import Mirror
from bot.perform.context import Deps, result
from bot.prompting import head_and_tail
from bot.settle import Settled, settle
from planner.actions import Verify, WatchChecks
from planner.events import ChecksMissing, ChecksSettled, Verified
from planner.facts import CheckFailure, CommandResult
from worker.workspace import CommandResult as Ran

OUTPUT_LIMIT = 4_000
FAILURES = 5
CONFLICT_GRACE_S = 3.0


def read_checks(gateway: Gateway, sha: str) -> Settled:
    """The verdict as it is now."""
    suites = gateway.checks.suites(sha)
    if any(s.latest_check_runs_count > 0 and s.status != "completed" for s in suites):
        return Settled("pending")  # the rest would not change that: two requests saved
    return settle(suites, gateway.checks.runs(sha), gateway.checks.statuses(sha))


def watch(deps: Deps, row: ActionRow, action: WatchChecks) -> Performed:
    gateway = deps.gateway(row)
    settled = read_checks(gateway, action.sha)
    now = deps.clock()
    waited = now - deps.watched_since.setdefault(row.key, now)
    match settled.verdict:
        case "green" | "red":
            deps.watched_since.pop(row.key, None)
            found = failures(gateway, settled) if settled.verdict == "red" else ()
            event = ChecksSettled(sha=action.sha, verdict=settled.verdict, failures=found, runs=settled.runs)
            return result(row, event)
        case "none":
            if (missing := _nothing_yet(deps, row, action, waited)) is not None:
                deps.watched_since.pop(row.key, None)
                return result(row, missing)
    raise Later(min(max(deps.timing.poll_first, waited / 4), deps.timing.poll_last))


def _nothing_yet(
    deps: Deps, row: ActionRow, action: WatchChecks, waited: float
) -> ChecksSettled | ChecksMissing | None:
    """Nothing has reported: will anything? None while it may."""
    mirror = deps.mirrors(row.scope)
    if not mirror.has(action.sha) or mirror.head(action.branch) is None:
        mirror.fetch()
    if not mirror.has(action.sha):
        return ChecksMissing(sha=action.sha, reason="the commit is not on GitHub any more")
    base = mirror.head(action.branch)
    changed = None
    if action.event == "pull_request" and base is not None:
        changed = mirror.changed(base, action.sha)
    files = mirror.files(action.sha, ".github/workflows")
    expected = [
        path
        for path, text in files.items()
        if path.endswith((".yml", ".yaml")) and workflows.starts(text, action.event, action.branch, changed)
    ]
    if not expected:
        return ChecksSettled(sha=action.sha, verdict="absent")
    if action.event == "pull_request" and base is not None and waited >= CONFLICT_GRACE_S:
        mirror.fetch()
        base = mirror.head(action.branch) or base
        if mirror.merge_tree(base, action.sha) is None:
            reason = f"it conflicts with {action.branch}, so GitHub starts no workflow for it"
            return ChecksMissing(sha=action.sha, reason=reason, conflict=True)
    if waited < deps.timing.ci_start:
        return None
    names = ", ".join(expected)
    return ChecksMissing(sha=action.sha, reason=f"{names} should have started and did not within {waited:.0f} s")


def failures(gateway: Gateway, settled: Settled) -> tuple[CheckFailure, ...]:
    """What failed, with the part of each log that says why."""
    found: list[CheckFailure] = []
    for run in settled.failed[:FAILURES]:
        log = gateway.checks.log(run)
        if log is None:
            log = "\n".join(t for t in (run.output.title, run.output.summary, run.output.text) if t)
        text = logs.excerpt(log) or f"ended as {run.conclusion}, without a log"
        found.append(CheckFailure(name=run.name, excerpt=text, url=run.html_url or ""))
    for status in settled.bad_statuses[:FAILURES]:
        found.append(
            CheckFailure(name=status.context, excerpt=logs.excerpt(status.description or status.state),
                         url=status.target_url or "")
        )  # fmt: skip
    if not found:
        found.append(CheckFailure(name="workflow", excerpt="a workflow run failed before any of its jobs began"))
    return tuple(found)


def verify(deps: Deps, row: ActionRow, action: Verify) -> Performed:
    mirror = deps.mirrors(row.scope)
    if not mirror.has(action.sha):
        mirror.fetch()
    return result(row, Verified(sha=action.sha, results=verified(deps, mirror, action.sha, action.commands)))


def verified(deps: Deps, mirror: Mirror, sha: str, commands: tuple[str, ...]) -> tuple[CommandResult, ...]:
    """Each command in a fresh sandbox on a fresh checkout."""
    ran = deps.workspaces.verify(mirror.path, sha, commands, toolchain=deps.toolchain)
    return tuple(command_result(r) for r in ran)


def command_result(ran: Ran) -> CommandResult:
    """As planners and people see it. A command that was killed never counts as exit 0."""
    output = head_and_tail(logs.clean(ran.output), OUTPUT_LIMIT)
    code = ran.exit_code
    if not ran.ok:
        code = code or 124
        if ran.ending and "killed" in ran.ending:
            output = f"{output}\n[{ran.ending}]"
    return CommandResult(command=ran.command, exit_code=code, output=output, seconds=round(ran.wall_s, 3))
