"""What happens to a slice's pull request, as its planner sees it."""

from __future__ import annotations

from planner import slices
from planner.events import (
    ChecksMissing,
    ChecksSettled,
    HeadPrepared,
    Landed,
    LandRefused,
    LandWithdrawn,
    PullClosed,
    PullMerged,
    PullOpened,
    Verified,
)
from planner.facts import CommandResult
from planner.keys import target_train
from planner.node import Planner, park, put
from planner.out import Out


def on_pull(
    node: Planner,
    event: PullOpened | ChecksSettled | ChecksMissing | Verified | PullMerged | PullClosed,
    out: Out,
) -> Planner:
    pull = node.pull
    match event:
        case PullOpened(pull=number, sha=sha):
            return slices.opened(node, out, number, sha) if pull is None else node
        case PullMerged(pull=number):
            if pull is None or pull.number != number:
                return node
            out.send(target_train(node.scope.repo_id, node.target), LandWithdrawn(node=node.key))
            return slices.arrived(node, out)
        case PullClosed(pull=number, by=by):
            if pull is None or pull.number != number:
                return node
            out.send(target_train(node.scope.repo_id, node.target), LandWithdrawn(node=node.key))
            who = by.login if by else "somebody"
            return park(put(node, pull=None), out, f"{who} closed pull request #{number}; say what should change")
        case ChecksMissing(sha=sha, reason=reason):
            return park(node, out, reason) if pull and pull.sha == sha else node
        case ChecksSettled(sha=sha, verdict=verdict):
            if pull is None or pull.sha != sha or pull.checks != "waiting":
                return node
            node = put(node, pull=pull.model_copy(update={"checks": verdict, "failures": event.failures}))
            if verdict == "red":
                detail = "\n\n".join(f"{f.name}\n{f.excerpt}" for f in event.failures)
                node = slices.rewrite(node, out)
                return slices.troubled(node, f"CI failed on {sha[:10]}", detail, out)
            return slices.advance(node, out)
        case Verified(sha=sha):
            if pull is None or pull.sha != sha or pull.verified is not None:
                return node
            node = put(node, pull=pull.model_copy(update={"verified": event.ok, "results": event.results}))
            if not event.ok:
                return slices.troubled(node, f"verification failed on {sha[:10]}", failed_text(event.results), out)
            return slices.advance(node, out)


def failed_text(results: tuple[CommandResult, ...]) -> str:
    return "\n\n".join(f"$ {r.command}\n(exit {r.exit_code})\n{r.output}" for r in results if not r.ok)


def on_train(node: Planner, event: Landed | LandRefused | HeadPrepared, out: Out) -> Planner:
    pull = node.pull
    if pull is None or pull.number != event.pull:
        return node
    match event:
        case Landed():
            return slices.arrived(node, out)
        case HeadPrepared(sha=sha):
            if sha == pull.sha:
                return node
            return put(node, pull=pull.merged_base(sha))
        case LandRefused(cause=cause, reason=reason):
            node = put(node, pull=pull.model_copy(update={"queued": False}))
            if cause == "stale":
                return slices.advance(node, out)
            if cause == "red":
                detail = "\n\n".join(f"{f.name}\n{f.excerpt}" for f in event.failures)
                return slices.troubled(node, reason, detail, out)
            return park(node, out, f"pull request #{pull.number} cannot land: {reason}")
