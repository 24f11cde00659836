"""Whether a pull request can be merged, merging it, and merging the base into its head; see `automerge.py`, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from localhub import heads, protection, refs
from localhub.auth import Actor
from localhub.errors import GitHubError, conflict, invalid
from localhub.gitcore import RefChange
from localhub.gitmerge import Conflict, merge_commit, plain_trial, rebase, squash_commit, trial_merge
from localhub.libgit import Elsewhere
from localhub.people import identity, web_committer

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

Method = Literal["merge", "squash", "rebase"]
NOT_ALLOWED = {
    "merge": "Merge commits are not allowed on this repository.",
    "squash": "Squash merges are not allowed on this repository.",
    "rebase": "Rebase merges are not allowed on this repository.",
}
ALLOWED = {"merge": "allow_merge_commit", "squash": "allow_squash_merge", "rebase": "allow_rebase_merge"}


def schedule(hub: Hub, pull_id: int) -> None:
    """Compute `mergeable` soon; once the transaction is on the disk."""
    lag = hub.limits.settings.mergeable_lag_seconds

    def go() -> None:
        if lag:
            hub.background.later(lag, "mergeability", compute, hub, pull_id)
        else:
            hub.background.submit("mergeability", compute, hub, pull_id)

    hub.db.after_commit(go)


def try_now(hub: Hub, git: GitRepo, pull: Row) -> None:
    """The same for a new one inside its transaction, so that all of it is saved together; later if it takes a git
    process or is to take time. What was told of it knows nothing of it yet.
    """
    if hub.limits.settings.mergeable_lag_seconds or hub.faults.planned:
        schedule(hub, pull["id"])
        return
    try:
        sha = plain_trial(git, pull["base_sha"], pull["head_sha"])
    except Elsewhere:
        schedule(hub, pull["id"])
        return
    hub.db.update("pulls", pull["id"], mergeable=1, merge_commit_sha=sha)
    git.set_ref(f"refs/pull/{pull['number']}/merge", sha)


def compute(hub: Hub, pull_id: int) -> None:
    """Try the merge of head and base, keep it as refs/pull/N/merge, and remember whether it went through."""
    pull = hub.db.row("SELECT * FROM pulls WHERE id = ?", pull_id)
    if pull is None or not pull["open"] or pull["mergeable"] is not None or hub.faults.take("stale_mergeable"):
        return
    git = refs.git_of(hub, pull["repo_id"])
    base = git.ref(f"refs/heads/{pull['base_ref']}")
    if base is None:
        return
    merged = trial_merge(git, base, pull["head_sha"])
    sha = None if isinstance(merged, Conflict) else merged
    with hub.repo_locks.of(pull["repo_id"]), hub.tx():
        now = hub.db.get("pulls", pull_id)
        if not now["open"] or now["head_sha"] != pull["head_sha"] or git.ref(f"refs/heads/{now['base_ref']}") != base:
            again = now["open"] and now["mergeable"] is None
        else:
            again = False
            hub.db.update("pulls", pull_id, mergeable=int(sha is not None), merge_commit_sha=sha, base_sha=base)
            git.set_ref(f"refs/pull/{pull['number']}/merge", sha)
    if again:
        schedule(hub, pull_id)
    else:
        from localhub import automerge

        automerge.attempt(hub, pull_id)


def state(hub: Hub, repo: Row, pull: Row) -> str:
    """GitHub's mergeable_state."""
    if pull["mergeable"] is None or not pull["open"]:
        return "unknown"
    if not pull["mergeable"]:
        return "dirty"
    if pull["draft"]:
        return "draft"
    rules = protection.rules_for(hub, repo, pull["base_ref"])
    if rules is not None:
        if rules.strict and not _up_to_date(hub, repo, pull):
            return "behind"
        if obstacles(hub, repo, pull, rules):
            return "blocked"
    states = protection.check_states(hub, repo["id"], pull["head_sha"]).values()
    return "clean" if all(each == "success" for each in states) else "unstable"


def _up_to_date(hub: Hub, repo: Row, pull: Row) -> bool:
    git = refs.git_of(hub, repo)
    base = git.ref(f"refs/heads/{pull['base_ref']}")
    return base is not None and git.is_ancestor(base, pull["head_sha"])


def obstacles(hub: Hub, repo: Row, pull: Row, rules: protection.Rules) -> list[str]:
    """What the base branch's rules still miss, in GitHub's words."""
    from localhub import reviewthreads

    why = []
    decided = decisions(hub, pull["id"], repo)
    if "CHANGES_REQUESTED" in decided.values() and rules.pull_request:
        why.append("Changes have been requested by a reviewer with write access.")
    lacking = rules.approvals - list(decided.values()).count("APPROVED")
    if lacking > 0:
        some = "1 approving review is" if rules.approvals == 1 else f"{rules.approvals} approving reviews are"
        why.append(f"At least {some} required by reviewers with write access.")
    missing = protection.missing_checks(hub, repo["id"], pull["head_sha"], rules)
    if len(missing) == 1:
        why.append(f'Required status check "{missing[0]}" is expected.')
    elif missing:
        why.append(f"{len(missing)} of {len(rules.checks)} required status checks are expected.")
    if rules.resolve_threads and reviewthreads.unresolved(hub, pull["id"]):
        why.append("All comments must be resolved.")
    return why


def decisions(hub: Hub, pull_id: int, repo: Row) -> dict[int, str]:
    """The newest approval or request for changes of each reviewer who may write, by account."""
    decided: dict[int, str] = {}
    for row in hub.db.rows("SELECT user_id, state FROM reviews WHERE pull_id = ? ORDER BY submitted_at, id", pull_id):
        if row["state"] in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED"):
            decided[row["user_id"]] = row["state"]
    return {account: verdict for account, verdict in decided.items() if _counts(hub, repo, account)}


def _counts(hub: Hub, repo: Row, account: int) -> bool:
    return hub.access.role(repo, account) in ("write", "maintain", "admin")


# -- merging


def merge(
    hub: Hub,
    repo: Row,
    pull: Row,
    actor: Actor,
    *,
    method: Method = "merge",
    sha: str | None = None,
    title: str | None = None,
    message: str | None = None,
) -> str:
    """Merge and return the SHA that the base branch now has; 405 when it may not be, 409 when the head moved."""
    from localhub import pulls, pullsync, tidying

    git = refs.git_of(hub, repo)
    with hub.repo_locks.of(repo["id"]):
        pull = pulls.get(hub, pull["id"])
        _may_merge(hub, repo, pull, actor, method, sha)
        base = git.ref(f"refs/heads/{pull['base_ref']}")
        assert base is not None
        landed = _land(hub, repo, git, pull, actor, base, method, title, message)
        if isinstance(landed, Conflict) or landed == base:  # or there is nothing to rebase
            raise GitHubError(405, "Pull Request is not mergeable")
        change = RefChange(f"refs/heads/{pull['base_ref']}", base, landed)
        promised = refs.promise(hub, repo, [change], actor, pull["id"])
        with hub.tx():
            now = hub.db.get("pulls", pull["id"])  # closed, or its fork pushed to, while this was made?
            still_open = bool(now["open"]) and now["head_sha"] == pull["head_sha"]
            if still_open:
                pullsync.mark_merged(hub, repo, pull, actor.account_id, landed, base)
                refs.move(hub, repo, change, actor, checked=True, promised=promised)
            else:
                refs.keep(hub, [promised])
        if not still_open:
            raise GitHubError(405, "Pull Request is not mergeable")
        tidying.after_merge(hub, repo, pull, actor)
    return landed


def _may_merge(hub: Hub, repo: Row, pull: Row, actor: Actor, method: Method, sha: str | None) -> None:
    if pull["merged"] or pull["state"] != "open":
        raise GitHubError(405, "Pull Request is not mergeable")
    if pull["draft"]:
        raise GitHubError(405, "Pull Request is still a draft")
    if sha is not None and sha != pull["head_sha"]:
        raise conflict("Head branch was modified. Review and try the merge again.")
    if not repo[ALLOWED[method]]:
        raise GitHubError(405, NOT_ALLOWED[method])
    rules = protection.rules_for(hub, repo, pull["base_ref"], actor)
    if rules is None:
        return
    if barred(rules, method):
        raise GitHubError(405, NOT_ALLOWED[method])
    admin = actor.kind == "user" and hub.access.role(repo, actor.account_id) == "admin"
    if admin and not rules.for_admins:
        return
    why = obstacles(hub, repo, pull, rules)
    if rules.strict and not _up_to_date(hub, repo, pull):
        why.append("Head branch is out of date. Update it with the latest changes from the base branch.")
    if why:
        raise GitHubError(405, protection.worded(rules, why))


def barred(rules: protection.Rules, method: str) -> bool:
    """Whether the rules leave no such way to merge."""
    return (rules.linear and method == "merge") or (rules.methods is not None and method not in rules.methods)


def _land(
    hub: Hub, repo: Row, git: GitRepo, pull: Row, actor: Actor, base: str, method: Method,
    title: str | None, message: str | None,
) -> str | Conflict:  # fmt: skip
    head, number = pull["head_sha"], pull["number"]
    who, web = identity(hub, actor.account_id), web_committer(hub)
    if method == "rebase":
        return rebase(git, base, head, lambda _: web)
    if method == "merge":
        title = title or f"Merge pull request #{number} from {heads.label(hub, pull).replace(':', '/', 1)}"
        return merge_commit(git, base, head, who, web, _words(title, pull["title"] if message is None else message))
    shas = git.log([head], [base], "--no-merges", "--reverse", "--topo-order")
    commits = git.commits_by_sha(shas)
    only = commits[shas[0]] if len(shas) == 1 else None
    if title is None:
        title = f"{only.message.splitlines()[0] if only and only.message else pull['title']} (#{number})"
    if message is None and only is not None:
        message = only.message.partition("\n")[2].strip()
    elif message is None:
        message = "\n\n".join(f"* {commits[sha].message}" for sha in shas)
    author = identity(hub, pull["author_id"])
    return squash_commit(git, base, head, author, web, _words(title, message))


def _words(title: str, message: str) -> str:
    return f"{title}\n\n{message}" if message else title


def update_branch(hub: Hub, repo: Row, pull: Row, actor: Actor, expected: str | None) -> None:
    """Merge the base into the head branch."""
    home = heads.home(hub, pull)
    if home is None or not heads.may_push(hub, actor, pull):
        raise GitHubError(403, "Must have push access to the head branch of the pull request.")
    git = refs.git_of(hub, home)
    with hub.repo_locks.of(home["id"]):
        head, base = heads.tip(hub, pull), refs.git_of(hub, repo).ref(f"refs/heads/{pull['base_ref']}")
        if head is None or base is None or pull["state"] != "open":
            raise invalid("The pull request is closed or its branch is gone.")
        if expected is not None and expected != head:
            raise invalid("expected head sha didn't match current head ref.")
        heads.bring(hub, home, repo, base)
        if git.is_ancestor(base, head):
            raise invalid("There are no new commits on the base branch.")
        message = f"Merge branch '{pull['base_ref']}' into {pull['head_ref']}"
        sha = merge_commit(git, head, base, identity(hub, actor.account_id), web_committer(hub), message)
        if isinstance(sha, Conflict):
            raise invalid("merge conflict between base and head")
        refs.move(hub, home, RefChange(f"refs/heads/{pull['head_ref']}", head, sha), actor)
