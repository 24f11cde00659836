"""The worker's and the resolver's part: the task's files become what the target has, by the tools of the request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bot.demo.replay.conversation import Call, Conversation, Done, NotUnderstood, Play
from bot.demo.replay.hands import Standing, batches, bring, by_base64, digest, probe, probed
from bot.demo.replay.partition import Replay
from bot.demo.replay.script import Mistake
from bot.demo.replay.trees import Entry, under

CI_FAILED = "CI failed on"
REVIEWED = "Review comments to answer"
PART = re.compile(r"^- `([^`\n]+)`: part (\d+) of (\d+)", re.MULTILINE)


class BriefIn(BaseModel):
    """What this server reads of a `worker.task.Brief`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    goal: str
    paths: tuple[str, ...]
    context: str = ""
    attempt: int = 1
    role: str = "worker"
    test_command: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a path shall hold. `known`: what it holds now, where that is recognised."""

    entry: Entry | None
    known: Entry | None


class Lost(Exception):
    """The checkout holds something that the replay does not know how to go on from."""


def work(replay: Replay, talk: Conversation) -> Play:
    """Read, change, run the tests, hand over."""
    try:
        brief = BriefIn.model_validate(talk.brief)
    except ValidationError as error:
        raise NotUnderstood(f"this brief cannot be read: {error.errors(include_url=False)}") from error
    paths = _paths(replay, brief)
    said = yield [probe(paths)]
    now = probed(said[0])
    look = [p for p in paths if p in now and (c := replay.changes.get(p)) and c.before and c.before.lines][:3]
    if look:
        yield [Call("read_file", {"path": p}) for p in look]
    parts = {path: (int(part), int(count)) for path, part, count in PART.findall(brief.goal)}
    try:
        wanted = {path: _wanted(replay, brief, path, parts.get(path), now) for path in paths}
    except Lost as lost:
        return _finish("failed", str(lost), concerns=[str(lost)])
    gone = [p for p in paths if wanted[p].entry is None]
    ordered = [*gone, *(p for p in paths if wanted[p].entry is not None)]
    calls = [c for p in ordered for c in bring(p, now.get(p), wanted[p].known, wanted[p].entry)]
    changed = [p for p in ordered if bring(p, now.get(p), wanted[p].known, wanted[p].entry)]
    if not changed:
        return _finish("done", "The files hold what the goal asks for already; nothing was changed.")
    for batch in batches(calls):
        yield batch
    check = [probe(paths)]
    if brief.test_command:
        check.append(Call("run", {"command": brief.test_command}))
    said = yield check
    standing = probed(said[0])
    repairs = [c for p in changed if (e := wanted[p].entry) and not _stands(standing, p, e) for c in by_base64(p, e)]
    for batch in batches(repairs):
        yield batch
    concerns = []
    if brief.test_command and not said[1].startswith("[exit code 0"):
        concerns.append(f"`{brief.test_command}` did not succeed here: {said[1][-1500:]}")
    what = "Joined both sides" if brief.role == "resolver" else "Brought what the change gives"
    return _finish("done", f"{what} to {len(changed)} file{'s' if len(changed) > 1 else ''}.",
                   done=[f"{'deleted' if wanted[p].entry is None else 'wrote'} {p}" for p in changed][:40],
                   concerns=concerns)  # fmt: skip


def _stands(standing: Standing, path: str, entry: Entry) -> bool:
    return entry.mode == "120000" or (path in standing and standing[path].holds(entry))


def _paths(replay: Replay, brief: BriefIn) -> list[str]:
    extra = {p for r in replay.script.redirects for e in r.extra for p in e.files}
    paths = [p for p in sorted({*replay.changes, *extra}) if under(p, brief.paths)]
    if not paths:
        raise NotUnderstood(f"nothing of the replayed change is under {', '.join(brief.paths) or 'no path at all'}")
    return paths


def _wanted(replay: Replay, brief: BriefIn, path: str, part: tuple[int, int] | None, now: Standing) -> Wanted:
    change = replay.changes.get(path)
    if change is None:
        text = next(e.files[path] for r in replay.script.redirects for e in r.extra if path in e.files)
        return Wanted(Entry("100644", text.encode()), None)
    if part is not None:
        return _part(replay, path, part, now)
    after = change.after
    for mistake in replay.script.mistakes:
        if mistake.path == path and after is not None and _still_wrong(mistake, brief, path, after, now):
            after = Entry(after.mode, after.data.replace(mistake.find.encode(), mistake.put.encode()))
    return Wanted(after, change.before)


def _still_wrong(mistake: Mistake, brief: BriefIn, path: str, true: Entry, now: Standing) -> bool:
    if path in now and now[path].holds(true):
        return False
    heard = CI_FAILED if mistake.until == "ci" else REVIEWED
    return heard not in brief.context


def _part(replay: Replay, path: str, part: tuple[int, int], now: Standing) -> Wanted:
    parts = replay.parts.get(path)
    if parts is None or not 1 <= part[0] <= parts.count or part[1] != parts.count:
        raise NotUnderstood(f"{path} does not come in {part[1]} parts here")
    found = now.get(path)
    for held in parts.states():
        data = parts.state(held)
        if found and found.digest == digest(data):
            mode = parts.base.mode
            return Wanted(Entry(mode, parts.state(held | {part[0]})), Entry(mode, data))
    raise Lost(f"{path} holds changes that are no part of the replay; it cannot be brought further")


def _finish(status: str, summary: str, **more: Any) -> Done:
    return Done(call=Call("finish", {"status": status, "summary": summary, **more}))
