"""The merge train of one branch: the branch only ever moves to a commit that was tested with exactly its tree.

A slice is the bot's own: finished branches are merged and tested in batches, a red batch is halved, the branch is
moved by a fast-forward push. The target is people's: one pull request at a time, brought up to date, tested, merged
by the API with `sha`.
"""

from __future__ import annotations

from typing import Literal

from planner import keys
from planner.actions import BuildCandidate, MergePull, MoveBranch, PrepareHead, Verify, WatchChecks
from planner.events import (
    ActionFailed,
    BranchMoved,
    CandidateBuilt,
    ChecksMissing,
    ChecksSettled,
    Event,
    HeadPrepared,
    LandAsked,
    Landed,
    LandRefused,
    LandWithdrawn,
    MergeRefused,
    MoveRefused,
    PullMerged,
    RefreshAsked,
    SliceRefreshed,
    TrainHeld,
    Verified,
)
from planner.facts import CheckFailure, TrainItem
from planner.model import Address, Scope, Value
from planner.out import Out

MAX_BATCH = 16
MAX_REFUSALS = 5
MEMORY = 50


class Train(Value):
    scope: Scope
    key: str
    branch: str
    mode: Literal["slice", "target"]
    method: Literal["merge", "squash", "rebase"]
    test: str | None
    seq: int = 0
    queue: tuple[TrainItem, ...] = ()
    phase: Literal["idle", "building", "testing", "moving", "preparing", "merging"] = "idle"
    round: int = 0
    limit: int = MAX_BATCH
    """how many go into the next candidate; halved after a red one"""
    base: str = ""
    sha: str = ""
    items: tuple[str, ...] = ()
    refusals: int = 0
    planner: str = ""
    """key of the slice's planner, once it has asked for something"""
    target: str = ""
    refresh: tuple[str, ...] = ()
    """children of the planner whose work is on the target and wanted on the slice"""
    refreshing: tuple[str, ...] = ()
    """those that the candidate under way brings in"""
    held: bool = False
    """a part of the slice is with people: only answers to their review land"""
    landed: tuple[TrainItem, ...] = ()
    """the last ones that landed, to name rivals"""

    @property
    def me(self) -> Address:
        return Address(kind="train", key=self.key)


def put(train: Train, **changes: object) -> Train:
    return train.model_copy(update=changes)


def owner(item: TrainItem) -> Address:
    return Address(kind=item.kind, key=item.node)


def begin(event: LandAsked | RefreshAsked, me: Address) -> Train:
    return Train(
        scope=event.scope,
        key=me.key,
        branch=event.branch,
        mode=event.mode if isinstance(event, LandAsked) else "slice",
        method=event.method,
        test=event.test,
    )


def on(train: Train, event: Event, out: Out) -> Train:
    """Total over events."""
    match event:
        case LandAsked(item=item):
            rest = tuple(i for i in train.queue if i.node != item.node)
            return start(put(train, queue=(*rest, item), method=event.method), out)
        case RefreshAsked(planner=planner, target=target, ids=ids) if train.mode == "slice":
            wanted = tuple(dict.fromkeys((*train.refresh, *ids)))
            return start(put(train, planner=planner, target=target, refresh=wanted), out)
        case TrainHeld(held=held):
            return start(put(train, held=held), out)
        case LandWithdrawn(node=node):
            return withdrawn(train, node, out)
        case CandidateBuilt() if train.phase == "building" and event.round == train.round:
            return built(train, event, out)
        case ChecksSettled(sha=sha, verdict=verdict) if train.phase == "testing" and sha == train.sha:
            if verdict == "absent" and train.mode == "slice" and train.test:
                out.do(Verify(sha=sha, commands=(train.test,)))
                return train
            return green(train, out) if verdict != "red" else red(train, event.failures, out)
        case Verified(sha=sha) if train.phase == "testing" and sha == train.sha:
            failures = tuple(CheckFailure(name=r.command, excerpt=r.output) for r in event.results if not r.ok)
            return red(train, failures, out) if failures else green(train, out)
        case ChecksMissing(sha=sha, reason=reason) if train.phase == "testing" and sha == train.sha:
            return refuse_all(train, "refused", reason, out)
        case BranchMoved(sha=sha) if train.phase == "moving":
            return arrived(train, sha, out)
        case MoveRefused(reason=reason) if train.phase == "moving":
            return refused(train, reason, out)
        case HeadPrepared() if train.phase == "preparing" and train.items:
            return prepared(train, event, out)
        case PullMerged(pull=pull, merge_sha=sha) if train.phase == "merging":
            return arrived(train, sha, out) if any(i.pull == pull for i in riding(train)) else train
        case MergeRefused(reason=reason, retry=retry) if train.phase == "merging":
            return refused(train, reason, out) if retry else refuse_all(train, "refused", reason, out)
        case ActionFailed(reason=reason) if train.phase != "idle":
            return refuse_all(train, "refused", reason, out)
        case _:
            return train


def riding(train: Train) -> tuple[TrainItem, ...]:
    return tuple(i for i in train.queue if i.node in train.items)


def start(train: Train, out: Out) -> Train:
    """The next candidate, when nothing is under way."""
    waiting = tuple(i for i in train.queue if i.answers_review) if train.held else train.queue
    if train.phase != "idle" or not (waiting or train.refresh):
        return train
    train = put(train, round=train.round + 1)
    if train.mode == "target":
        item = waiting[0]
        out.do(PrepareHead(pull=item.pull, branch=item.branch, target=train.branch, sha=item.sha))
        return put(train, phase="preparing", items=(item.node,), sha=item.sha)
    items = waiting[: train.limit]
    branch = keys.train_branch(train.scope.root, train.key.removesuffix(":slice"))
    target = train.target if train.refresh else None
    out.do(BuildCandidate(round=train.round, branch=train.branch, train=branch, items=items, target=target))
    nodes = tuple(i.node for i in items)
    return put(train, phase="building", items=nodes, refreshing=train.refresh, sha="", base="")


def built(train: Train, event: CandidateBuilt, out: Out) -> Train:
    for item in riding(train):
        if item.node in event.gone:
            out.send(owner(item), LandRefused(pull=item.pull, cause="stale", reason="its branch moved meanwhile"))
    train = put(train, queue=tuple(i for i in train.queue if i.node not in event.gone), base=event.base, sha=event.sha)
    if event.target_conflict:
        reason = f"{train.target} does not merge into {train.branch}"
        return start(refreshed(put(train, phase="idle", items=()), event.base, reason, out), out)
    if not event.items and train.refreshing and event.sha != event.base:  # nothing but the target's work
        train = put(train, items=())
    elif not event.items:
        train = refreshed(train, event.base, "", out)
        for item in riding(train):
            if item.node in event.conflicts:
                out.send(owner(item), conflict(train, item, event.base))
        rest = tuple(i for i in train.queue if i.node not in event.conflicts)
        return start(put(train, phase="idle", queue=rest, items=()), out)
    train = put(train, items=event.items, phase="testing")
    if event.tested:
        return green(train, out)
    out.route(train.me, sha=event.sha)
    branch = keys.train_branch(train.scope.root, train.key.removesuffix(":slice"))
    out.do(WatchChecks(sha=event.sha, event="push", branch=branch))
    return train


def conflict(train: Train, item: TrainItem, base: str) -> LandRefused:
    rivals = [
        i.node for i in train.landed if i.kind == "task" and i.node != item.node and set(i.files) & set(item.files)
    ]
    return LandRefused(
        pull=item.pull,
        cause="conflict",
        reason=f"it does not merge with {train.branch} at {base[:10]}",
        rivals=tuple(dict.fromkeys(rivals))[-3:],
        base_sha=base,
    )


def green(train: Train, out: Out) -> Train:
    if train.mode == "target":
        item = riding(train)[0]
        out.do(MergePull(pull=item.pull, sha=train.sha, base_sha=train.base, method=train.method, title=item.title))
        return put(train, phase="merging")
    out.do(MoveBranch(branch=train.branch, expect=train.base, sha=train.sha))
    return put(train, phase="moving")


def red(train: Train, failures: tuple[CheckFailure, ...], out: Out) -> Train:
    """One item alone goes back to its task; a batch is halved, and the good half lands first."""
    if len(train.items) > 1:
        return start(put(train, phase="idle", limit=max(1, len(train.items) // 2), items=()), out)
    return refuse_all(put(train, limit=MAX_BATCH), "red", f"candidate {train.sha[:10]} is red", out, failures)


def arrived(train: Train, sha: str, out: Out) -> Train:
    done = riding(train)
    for item in done:
        out.send(owner(item), Landed(pull=item.pull, sha=sha))
    train = refreshed(train, sha, "", out)
    train = put(
        train,
        queue=tuple(i for i in train.queue if i not in done),
        landed=(*train.landed, *done)[-MEMORY:],
        phase="idle",
        items=(),
        limit=MAX_BATCH,
        refusals=0,
    )
    return start(train, out)


def refreshed(train: Train, sha: str, reason: str, out: Out) -> Train:
    """Tells the planner that the slice has what it asked for from the target, or why not."""
    if not train.refreshing:
        return train
    to = Address(kind="planner", key=train.planner)
    out.send(to, SliceRefreshed(sha=sha, ids=train.refreshing, reason=reason))
    rest = tuple(i for i in train.refresh if i not in train.refreshing)
    return put(train, refresh=rest, refreshing=())


def refused(train: Train, reason: str, out: Out) -> Train:
    """Somebody moved the branch: build again on what is there now, a few times."""
    if train.refusals + 1 >= MAX_REFUSALS:
        return refuse_all(put(train, refusals=0), "refused", reason, out)
    return start(put(train, phase="idle", items=(), refusals=train.refusals + 1), out)


def refuse_all(
    train: Train,
    cause: Literal["red", "refused", "conflict"],
    reason: str,
    out: Out,
    failures: tuple[CheckFailure, ...] = (),
) -> Train:
    gone = riding(train)
    if not gone:
        train = refreshed(train, train.base, reason, out)
    for item in gone:
        out.send(
            owner(item),
            LandRefused(pull=item.pull, cause=cause, reason=reason, failures=failures, base_sha=train.base),
        )
    rest = tuple(i for i in train.queue if i not in gone)
    return start(put(train, phase="idle", items=(), queue=rest), out)


def prepared(train: Train, event: HeadPrepared, out: Out) -> Train:
    item = next((i for i in riding(train) if i.pull == event.pull), None)
    if item is None:
        return train
    if event.conflict:
        out.send(owner(item), conflict(train, item, event.base_sha))
        rest = tuple(i for i in train.queue if i != item)
        return start(put(train, phase="idle", items=(), queue=rest), out)
    train = put(train, base=event.base_sha, sha=event.sha)
    if not event.changed:
        return green(train, out)
    out.send(owner(item), event)
    moved = item.model_copy(update={"sha": event.sha})
    train = put(train, queue=tuple(moved if i == item else i for i in train.queue), phase="testing")
    out.route(train.me, sha=event.sha)
    out.do(WatchChecks(sha=event.sha, event="pull_request", branch=train.branch))
    return train


def withdrawn(train: Train, node: str, out: Out) -> Train:
    if node in train.items and train.phase in ("moving", "merging"):
        return train  # too late: the move is under way, and its owner hears that it landed
    train = put(train, queue=tuple(i for i in train.queue if i.node != node))
    if node not in train.items:
        return train
    return start(put(train, phase="idle", items=(), sha="", base=""), out)
