"""The judgement of a direct move of refs: rules of branches, sizes of files, workflow files of apps."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from localhub import heads, protection
from localhub.gitcore import RefChange
from localhub.libgit import Elsewhere
from localhub.libgitdiff import brings_none_above
from localhub.protection import Rules

if TYPE_CHECKING:
    from localhub.auth import Actor
    from localhub.db import Row
    from localhub.gitstore import GitRepo
    from localhub.hub import Hub

WORKFLOWS = ".github/workflows/"
CLASSIC = "GH006: Protected branch update failed"
LARGE = "GH001: Large files detected"
RULESETS = "GH013: Repository rule violations found"


def refusals(hub: Hub, repo: Row, actor: Actor, git: GitRepo, changes: Sequence[RefChange]) -> dict[str, list[str]]:
    """Which refs may not be moved directly, and why, in the words that git clients show.

    Each is judged by itself, but a push that brings a file that is too large moves nothing.
    """
    found = {change.ref: why for change in changes if (why := _refuse(hub, repo, actor, git, change))}
    if any(LARGE in sentence for why in found.values() for sentence in why):
        return {change.ref: [] for change in changes} | found
    return found


def _refuse(hub: Hub, repo: Row, actor: Actor, git: GitRepo, change: RefChange) -> list[str]:
    if change.ref.startswith("refs/pull/"):
        return [f"error: {change.ref} is managed by the server"]
    if not change.deleted:
        hidden = _too_large(git, change.new, hub.limits.settings.object_bytes) or _workflows(repo, actor, git, change)
        if hidden:
            return hidden
    if not change.ref.startswith("refs/heads/"):
        denied = [f"error: permission to {change.ref} denied to {actor.login}"]
        return [] if hub.access.allowed(actor, repo, "contents", "write") else denied
    branch = change.ref.removeprefix("refs/heads/")
    if not hub.access.allowed(actor, repo, "contents", "write") and branch not in heads.lent(hub, actor, repo):
        return [f"error: permission to {change.ref} denied to {actor.login}"]
    if change.deleted and branch == repo["default_branch"]:
        return [f"error: refusing to delete the current branch: {change.ref}"]
    rules = protection.rules_for(hub, repo, branch, actor)
    if rules is None:
        return []
    why = _broken(hub, repo, actor, git, change, rules)
    if why and rules.by_rulesets:
        page = hub.html(f"/{repo['owner_login']}/{repo['name']}/rules?ref={quote(change.ref, safe='')}")
        listed = [line for each in why for line in ("", f"- {each}")]
        return [f"error: {RULESETS} for {change.ref}.", f"Review all repository rules at {page}", *listed, ""]
    heading = [f"{CLASSIC} for {change.ref}."] if why else []
    return [f"error: {line}" for line in heading + why]


def reasons(refused: Sequence[str]) -> str:
    """The same in one sentence or paragraph, as the API has it."""
    if any(RULESETS in line for line in refused):
        found = [line.removeprefix("- ") for line in refused if line.startswith("- ")]
        return "Repository rule violations found\n\n" + "".join(f"{each}\n\n" for each in found)
    sentences = " ".join(line.removeprefix("error: ") for line in refused if CLASSIC not in line)
    return f"Protected branch: {sentences}" if any(CLASSIC in line for line in refused) else sentences


def _broken(hub: Hub, repo: Row, actor: Actor, git: GitRepo, change: RefChange, rules: Rules) -> list[str]:
    if change.created:
        return [] if rules.allow_create else ["Cannot create ref due to creations being restricted."]
    if change.deleted:
        return [] if rules.allow_delete else ["Cannot delete this branch"]
    if not rules.allow_update:
        return ["Cannot update this protected ref."]
    forced = not git.is_ancestor(change.old, change.new)
    if forced and not rules.allow_force:
        return ["Cannot force-push to this branch"]
    admin = actor.kind == "user" and hub.access.role(repo, actor.account_id) == "admin"
    if admin and not rules.for_admins:
        return []
    why = []
    if rules.pull_request:
        why.append("Changes must be made through a pull request.")
    missing = protection.missing_checks(hub, repo["id"], change.new, rules)
    if missing:
        total = len(rules.checks)
        named = f'Required status check "{missing[0]}" is expected.'
        why.append(named if total == 1 else f"{len(missing)} of {total} required status checks are expected.")
    if rules.linear and git.log([change.new], [change.old], "--merges", "--max-count=1"):
        why.append("This branch must not contain merge commits.")
    return why


def _too_large(git: GitRepo, new: str, most: int) -> list[str]:
    """GH001 for each new file of more than `most` bytes, by name and size."""
    if not git.extra:
        with suppress(Elsewhere):
            if brings_none_above(git.path, new, most):
                return []
    limit = ["--objects", f"--filter=blob:limit={most + 1}", "--filter-print-omitted"]
    listed = git.git("rev-list", *limit, new, "--not", "--all").decode(errors="replace").splitlines()
    big = {line[1:] for line in listed if line.startswith("~")}
    if not big:
        return []
    rows = git.git("rev-list", "--objects", new, "--not", "--all").decode(errors="replace").splitlines()
    named = [row.partition(" ") for row in rows if row[:40] in big]
    sizes = {sha: size / 1024**2 for sha, _, size in git.kinds([sha for sha, _, _ in named])}
    return [
        "error: See https://gh.io/lfs for more information.",
        *(
            f"error: File {path or sha} is {sizes[sha]:.2f} MB; this exceeds GitHub's file size limit of "
            f"{most / 1024**2:.2f} MB"
            for sha, _, path in named
        ),
        f"error: {LARGE}. You may want to try Git Large File Storage - https://git-lfs.github.com.",
    ]


def _workflows(repo: Row, actor: Actor, git: GitRepo, change: RefChange) -> list[str]:
    """Apps need `workflows` to bring in a workflow file that is not in the repository already."""
    if not actor.is_bot or actor.permissions.get("workflows") == "write":
        return []
    pushed = _workflow_files(git, change.new)
    if not pushed:
        return []
    known: set[tuple[str, str]] = set()
    for at in (change.old if not change.created else None, git.ref(f"refs/heads/{repo['default_branch']}")):
        if at and at.strip("0"):
            known |= _workflow_files(git, at)
    fresh = sorted(path for path, sha in pushed - known)
    return [
        f"error: refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
        for path in fresh
    ]


def _workflow_files(git: GitRepo, commit: str) -> set[tuple[str, str]]:
    if git.entry(commit, WORKFLOWS.rstrip("/")) is None:
        return set()
    listed = git.git("ls-tree", "-r", "-z", commit, WORKFLOWS).decode(errors="replace").split("\0")
    rows = [row.split("\t", 1) for row in listed if row]
    return {(path, meta.split()[2]) for meta, path in rows}
