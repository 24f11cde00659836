"""Merging without a working tree: three-way merge, squash and rebase over `git merge-tree --write-tree`."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from localhub.gitcore import Commit, Person, run, text
from localhub.gitstore import GitRepo
from localhub.libgit import Elsewhere
from localhub.libgitwrite import plain_merge


@dataclass(frozen=True)
class Conflict:
    """The merge does not go through; these paths are in the way."""

    paths: tuple[str, ...]


def merge_trees(repo: GitRepo, ours: str, theirs: str) -> str | Conflict:
    """The tree of merging two commits."""
    with suppress(Elsewhere):
        return plain_merge(repo.path, ours, theirs)
    options = ["--write-tree", "-z", "--name-only", "--no-messages", "--allow-unrelated-histories"]
    code, out = run(repo.path, ["merge-tree", *options, ours, theirs], ok=(0, 1), extra=repo.extra)
    tree, *paths = [part for part in text(out).split("\0") if part]
    return tree if code == 0 else Conflict(tuple(paths))


def merge_commit(repo: GitRepo, base: str, head: str, who: Person, committer: Person, message: str) -> str | Conflict:
    """A merge commit with `base` as first parent and `head` as second, written but on no branch."""
    tree = merge_trees(repo, base, head)
    if isinstance(tree, Conflict):
        return tree
    return repo.write_commit(tree, [base, head], who, committer, message)


def trial_merge(repo: GitRepo, base: str, head: str) -> str | Conflict:
    """What refs/pull/N/merge holds: the same commit whoever tries, as it depends on base and head alone."""
    tree = merge_trees(repo, base, head)
    return tree if isinstance(tree, Conflict) else _trial(repo, base, head, tree)


def plain_trial(repo: GitRepo, base: str, head: str) -> str:
    """The same where it takes no git process; Elsewhere where it does, as with any conflict."""
    return _trial(repo, base, head, plain_merge(repo.path, base, head))


def _trial(repo: GitRepo, base: str, head: str, tree: str) -> str:
    commit = repo.commit(head)
    assert commit is not None
    who = Person("GitHub", "noreply@github.com", commit.committer.date)
    return repo.write_commit(tree, [base, head], who, who, f"Merge {head} into {base}")


def squash_commit(repo: GitRepo, base: str, head: str, who: Person, committer: Person, message: str) -> str | Conflict:
    """One commit on top of `base` with everything that `head` changes."""
    tree = merge_trees(repo, base, head)
    if isinstance(tree, Conflict):
        return tree
    return repo.write_commit(tree, [base], who, committer, message)


def rebase(repo: GitRepo, base: str, head: str, committer: Callable[[Commit], Person]) -> str | Conflict:
    """Replay the commits of `head` that `base` lacks, oldest first, on `base`; merges among them are flattened.

    Authors stay, committers are given. Returns the new tip, `base` itself when there is nothing to replay.
    """
    tip = base
    shas = repo.log([head], [base], "--no-merges", "--reverse", "--topo-order")
    commits = repo.commits_by_sha(shas)
    for sha in shas:
        commit = commits[sha]
        tree = _cherry_pick(repo, tip, commit)
        if isinstance(tree, Conflict):
            return tree
        tip = repo.write_commit(tree, [tip], commit.author, committer(commit), commit.message)
    return tip


def _cherry_pick(repo: GitRepo, onto: str, commit: Commit) -> str | Conflict:
    """The tree of `commit`'s change applied to `onto`.

    git 2.39 cannot be told a merge base, so `onto`'s tree is dressed as a child of the commit's parent:
    that parent then is the base that git finds by itself.
    """
    if commit.parents == (onto,):
        return commit.tree
    ghost = Person("localhub", "localhub@localhost", "0 +0000")
    ours = repo.commit(onto)
    assert ours is not None
    dressed = repo.write_commit(ours.tree, commit.parents, ghost, ghost, "base for a cherry-pick")
    return merge_trees(repo, dressed, commit.sha)
