"""A planner's slice on its way to the target branch: one pull request for people at a time."""

from __future__ import annotations

from planner.actions import AnswerReview, MarkReady, OpenPull, PullText, UpdatePull, Verify, WatchChecks
from planner.events import LandAsked, ReachedTarget, RefreshAsked, Reviewed, ReviseAsked, TrainHeld
from planner.facts import ReviewComment, TrainItem
from planner.keys import slice_train, target_train
from planner.node import Child, OpenReview, Planner, add_news, enter, finish, park, put, put_child, tell, think
from planner.out import Out
from planner.policy import may_command
from planner.pull import Pull, decide
from planner.rounds import meet


def commands(node: Planner) -> tuple[str, ...]:
    test = node.config.commands.test
    return tuple(dict.fromkeys((*node.goal.acceptance, *((test,) if test else ()))))


def on_slice(node: Planner) -> list[Child]:
    """Children whose change is on the slice and not yet on the target."""
    return [c for c in node.children if c.view.kind == "task" and c.view.state == "landed" and not c.reached]


def files(node: Planner) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f for c in on_slice(node) for f in c.files))


def open_pull(node: Planner, out: Out, sha: str) -> Planner:
    """The slice comes to people. `cut`: a part of it, because it has grown to what a person can review."""
    pull = Pull(number=0, head=node.slice, base=node.target, sha=sha)
    out.do(OpenPull(head=node.slice, base=node.target, title=node.goal.title, sha=sha, text=text(node, pull)))
    return node


def opened(node: Planner, out: Out, number: int, sha: str) -> Planner:
    pull = Pull(number=number, head=node.slice, base=node.target, sha=sha)
    out.route(node.me, pull=number)
    return prove(put(node, pull=pull), out, pull)


def prove(node: Planner, out: Out, pull: Pull) -> Planner:
    """CI and the trusted side look at this head."""
    out.route(node.me, sha=pull.sha)
    out.do(
        WatchChecks(sha=pull.sha, event="pull_request", branch=node.target),
        Verify(sha=pull.sha, commands=commands(node)),
    )
    return put(node, pull=pull)


def rewrite(node: Planner, out: Out) -> Planner:
    """The pull request's text is built anew from what is known of its head."""
    pull = node.pull
    if pull is None:
        return node
    out.do(UpdatePull(pull=pull.number, text=text(node, pull)))
    return put(node, pull=pull.model_copy(update={"told": pull.sha}))


def text(node: Planner, pull: Pull) -> PullText:
    landed = on_slice(node)
    numbers = tuple(c.view.number for c in landed if c.view.number is not None)
    own = (node.number,) if node.parent is not None and not node.cut else ()
    diff = node.diff.model_copy(update={"files": files(node)})
    return PullText(
        goal=node.goal,
        diff=diff,
        report=None,
        sha=pull.sha,
        checks=pull.checks,
        results=pull.results,
        attempts=sum(c.view.attempts for c in landed),
        closes=(*numbers, *own),
        started_by=node.started_by.login,
        tasks=tuple((c.view.number, c.view.pull, c.view.title) for c in landed),
    )


def advance(node: Planner, out: Out) -> Planner:
    """The slice's pull request's next move."""
    pull = node.pull
    if pull is None or node.state == "cancelled":
        return node
    if pull.proven:
        node = answer_reviews(node, out)
        if pull.told != pull.sha:
            node = rewrite(node, out)
            pull = node.pull or pull
    match decide(pull, node.config.merge, files(node)):
        case "wait_for_proof" | "landing":
            return node
        case "leave_draft":
            people = node.config.merge.who != "when_green"
            out.do(MarkReady(pull=pull.number, reviewer=node.started_by.login if people else None))
            node = put(node, pull=pull.model_copy(update={"ready": True}))
            tell(node, out)
            return advance(node, out)
        case "wait_for_people":
            return node
        case "land":
            if node.reviews:
                return node
            out.send(target_train(node.scope.repo_id, node.target), land(node, pull))
            return put(node, pull=pull.model_copy(update={"queued": True}))


def land(node: Planner, pull: Pull) -> LandAsked:
    return LandAsked(
        scope=node.scope,
        branch=node.target,
        target=node.target,
        mode="target",
        method=node.config.merge.method,
        test=node.config.commands.test,
        item=TrainItem(
            node=node.key,
            kind="planner",
            pull=pull.number,
            branch=node.slice,
            sha=pull.sha,
            title=node.goal.title,
            files=files(node),
        ),
    )


def arrived(node: Planner, out: Out) -> Planner:
    """The pull request is merged: the tasks in it have reached the target."""
    pull = node.pull
    if pull is None:
        return node
    for child in on_slice(node):
        out.send(child.address, ReachedTarget(pull=pull.number))
        node = put_child(node, child.model_copy(update={"reached": True}))
    node = put(node, pull=None, pulls=(*node.pulls, pull.number), slice_lines=0, reviews=())
    if node.cut:
        out.send(slice_train(node.key), TrainHeld(held=False))
        return think(put(node, cut=False), out)
    if node.state != "slice":  # words came in while it landed: they are answered before anything closes
        return think(add_news(node, {"what": "slice_landed", "pull": pull.number}), out)
    return finish(node, out)


def grown(node: Planner, out: Out, sha: str, lines: int) -> Planner:
    """A task landed on the slice: an open pull request has a new head; a slice too large to wait is shown."""
    node = put(node, slice_lines=node.slice_lines + lines)
    if node.pull is not None:
        return prove(node, out, node.pull.at(sha))
    if node.slice_lines >= node.config.limits.review_lines and node.state == "running" and not node.cut:
        node = put(node, cut=True, slice_lines=0)
        out.send(slice_train(node.key), TrainHeld(held=True))
        return open_pull(node, out, sha)
    return node


def arrived_below(node: Planner, child: Child, out: Out) -> Planner:
    """A sub-planner's work is on the target: those that build on it need it on this slice, where there is one."""
    if not node.slice_asked:
        child = child.model_copy(update={"at_hand": True})
        return meet(put_child(node, child), child, out)
    asked = RefreshAsked(
        scope=node.scope,
        branch=node.slice,
        target=node.target,
        planner=node.key,
        method=node.config.merge.method,
        test=node.config.commands.test,
        ids=(child.id,),
    )
    out.send(slice_train(node.key), asked)
    return node


def refreshed(node: Planner, sha: str, ids: tuple[str, ...], reason: str, out: Out) -> Planner:
    """The slice holds what its sub-planners brought to the target."""
    if reason:
        return park(node, out, f"the slice cannot be brought up to date: {reason}")
    for ident in ids:
        child = node.child(ident)
        if child is not None and not child.at_hand:
            child = child.model_copy(update={"at_hand": True})
            node = meet(put_child(node, child), child, out)
    if node.pull is not None and node.pull.sha != sha:
        node = prove(node, out, node.pull.at(sha))
    return think(node, out)


# ── reviews ──────────────────────────────────────────────────────────────────────────────────────────


def reviewed(node: Planner, event: Reviewed, out: Out) -> Planner:
    pull = node.pull
    if pull is None or pull.number != event.pull or not may_command(event.by, node.config):
        return node
    match event.state:
        case "approved":
            return advance(put(node, pull=pull.approve(event.by.login, event.sha)), out)
        case "dismissed":
            return put(node, pull=pull.disapprove(event.by.login))
        case "commented":
            return node
        case "changes_requested":
            return share(put(node, pull=pull.disapprove(event.by.login)), event, out)


def share(node: Planner, event: Reviewed, out: Out) -> Planner:
    """Each comment goes to the task that last changed its file; what has no file goes to the planner."""
    if len(node.reviews) and any(r.review_id == event.review_id for r in node.reviews):
        return node
    shares: dict[str, list[ReviewComment]] = {}
    for comment in event.comments:
        candidates = [c for c in on_slice(node) if comment.path in c.files]
        if candidates:
            shares.setdefault(candidates[-1].id, []).append(comment)
    placed = {c.id for found in shares.values() for c in found}
    left = [c for c in event.comments if c.id not in placed]
    if not shares and len(on_slice(node)) == 1 and not left:
        shares[on_slice(node)[0].id] = []
    for ident, found in shares.items():
        child = node.child(ident)
        if child is not None:
            out.send(
                child.address,
                ReviseAsked(review_id=event.review_id, by=event.by, body=event.body, comments=tuple(found)),
            )
    if shares:
        review = OpenReview(
            review_id=event.review_id,
            reviewer=event.by.login,
            waiting=tuple(shares),
            answered=tuple((i, tuple(found)) for i, found in shares.items()),
        )
        node = put(node, reviews=(*node.reviews, review))
    if left or not shares:
        words = "\n\n".join([event.body, *(f"{c.path}:{c.line or '?'}: {c.body}" for c in left)]).strip()
        news = {"what": "review", "by": event.by.login, "pull": event.pull, "words": words}
        back = enter(node, out, "running") if node.state == "slice" and not shares else node
        node = think(add_news(back, news), out)
    return node


def revised(node: Planner, child: str, review: int) -> Planner:
    """A task has landed its answer to a review."""
    reviews = tuple(
        r.model_copy(update={"waiting": tuple(w for w in r.waiting if w != child)}) if r.review_id == review else r
        for r in node.reviews
    )
    return put(node, reviews=reviews)


def answer_reviews(node: Planner, out: Out) -> Planner:
    """Once the head with the answers is proven, the threads are answered and the reviewer is asked again."""
    pull = node.pull
    if pull is None:
        return node
    for review in node.reviews:
        if review.waiting:
            continue
        for ident, comments in review.answered:
            child = node.child(ident)
            out.do(
                AnswerReview(
                    pull=pull.number,
                    review_id=review.review_id,
                    reviewer=review.reviewer,
                    comments=comments,
                    sha=pull.sha,
                    task_pull=child.view.pull if child else None,
                    task_title=child.view.title if child else ident,
                )
            )
    return put(node, reviews=tuple(r for r in node.reviews if r.waiting))


def troubled(node: Planner, what: str, detail: str, out: Out) -> Planner:
    """The slice as a whole is red or does not merge: its planner is told and plans the repair."""
    if node.cut or node.state == "slice":
        news = {"what": "slice", "problem": what, "detail": detail[:6000]}
        node = put(node, refused_claims=node.refused_claims + 1)
        if node.refused_claims > 3:
            return park(node, out, f"the slice could not be landed: {what}")
        return think(add_news(enter(node, out, "running"), news), out)
    return node
