"""Bare repositories on disk: refs, commits, trees, blobs, tags. No policy and no events; see `refs.py` for those."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pygit2.enums import ObjectType

from localhub import gitfolder, libgit, libgithistory, libgitwrite
from localhub.gitcore import (
    EMPTY_TREE,
    SHA,
    ZERO,
    Commit,
    Entry,
    GitError,
    Person,
    RefChange,
    Tag,
    environment,
    parse_commit,
    parse_entry,
    parse_tag,
    plain,
    run,
    signature,
    text,
)  # fmt: skip

__all__ = ["EMPTY_TREE", "ZERO", "Commit", "Entry", "GitError", "GitRepo", "Person", "RefChange", "Tag", "environment"]


_moves = 0


def moves() -> int:
    """Another number whenever a ref of any repository has moved through this module."""
    return _moves


def _moved() -> None:
    global _moves
    _moves += 1


@dataclass(frozen=True)
class GitRepo:
    """One bare repository; libgit2 reads and writes its single objects and refs, git does the rest.

    `extra` is added to git's environment (a push's quarantine, for one); with it git does everything.
    """

    path: Path
    extra: Mapping[str, str] = field(default_factory=dict)

    # -- the repository itself

    def init(self, default_branch: str = "main") -> None:
        """Create it empty."""
        self.path.mkdir(parents=True, exist_ok=True)
        run(self.path, ["init", "--quiet", "--bare", "--template=", f"--initial-branch={default_branch}"])

    def import_from(self, source: Path, default_branch: str | None = None) -> None:
        """Create it with the branches and tags of a repository on this disk, bare or not; nothing else is taken over.

        HEAD follows `default_branch`, else the source's own branch if it has one.
        """
        if not source.is_dir():
            raise GitError(["fetch", str(source)], 128, f"{source} is not a directory")
        gitfolder.settle(source)
        self.init(default_branch or _head_of(source) or "main")
        wanted = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"]
        self.git("fetch", "--quiet", "--no-auto-gc", str(source), *wanted)
        self.moved()

    def remove(self) -> None:
        gitfolder.folder(self.path).remove()
        _moved()

    def moved(self) -> None:
        """Forget where refs were: another process has moved some."""
        libgit.forget(self.path)
        _moved()

    def git(self, *args: str, stdin: bytes = b"") -> bytes:
        return run(self.path, args, stdin=stdin, extra=self.extra)[1]

    def head(self) -> str:
        """The default branch's name, which need not exist yet."""
        return libgit.head(self.path).removeprefix("refs/heads/")

    def set_head(self, branch: str) -> None:
        self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")
        _moved()

    # -- refs

    def refs_at(self, sha: str) -> frozenset[str]:
        """The full names of the refs that point at an object."""
        return libgit.refs_at(self.path, sha)

    def refs(self, *prefixes: str) -> dict[str, str]:
        """Full ref names and what they point at (the tag object, for an annotated tag), sorted by name."""
        with suppress(libgit.Elsewhere):
            return libgit.refs(self.path, prefixes)
        out = text(self.git("for-each-ref", "--format=%(refname) %(objectname)", *prefixes))
        return dict(line.split(" ", 1) for line in out.splitlines())

    def ref(self, name: str) -> str | None:
        """What the ref of this full name points at."""
        return libgit.ref(self.path, name)

    def resolve(self, rev: str) -> str | None:
        """The commit that a branch, tag, full ref or (abbreviated) SHA means; branches win over tags."""
        if SHA.match(rev) or rev.startswith("refs/"):
            names = [rev]
        elif rev.startswith("-") or any(sign in rev for sign in ("..", "^", "~", "@{", ":")):
            return None
        else:
            names = [f"refs/heads/{rev}", f"refs/tags/{rev}", f"refs/{rev}", rev]
        if not self.extra:
            return libgit.commit_of(self.path, names)
        found = self.kinds([f"{name}^{{commit}}" for name in names])
        return next((sha for sha, kind, _ in found if kind == "commit"), None)

    def kinds(self, names: Sequence[str]) -> list[tuple[str, str, int]]:
        """(SHA, type, size in bytes) of each object; type is "missing" (or "ambiguous") when there is none."""
        lines = [name if plain(name) else ZERO for name in names]
        if not self.extra:
            with suppress(libgit.Elsewhere):
                return libgit.kinds(self.path, names)
        out = text(self.git("cat-file", "--batch-check", stdin="\n".join(lines).encode() + b"\n"))
        found = []
        for line in out.splitlines():
            parts = line.rsplit(" ", 2)
            if len(parts) == 3 and parts[2].isdigit():
                found.append((parts[0], parts[1], int(parts[2])))
            else:
                found.append((line.rsplit(" ", 1)[0], line.rsplit(" ", 1)[1], 0))
        return found

    def valid_ref(self, name: str) -> bool:
        return libgit.valid(name)

    def update_refs(self, changes: Iterable[RefChange]) -> None:
        """Move refs all together or not at all; each must still be at its `old`, else GitError."""
        libgit.move(self.path, list(changes))
        _moved()

    def set_ref(self, name: str, sha: str | None) -> None:
        """Move a ref of our own bookkeeping (refs/pull/…) wherever it was; None removes it."""
        libgit.set_ref(self.path, name, sha)
        _moved()

    # -- reading objects

    def objects(self, names: Sequence[str]) -> list[tuple[str, str, bytes] | None]:
        """(SHA, type, content) of each named object, None where there is none; one process for all."""
        if not names:
            return []
        lines = [name if plain(name) else ZERO for name in names]
        if not self.extra:
            with suppress(libgit.Elsewhere):
                return libgit.objects(self.path, names)
        out = self.git("cat-file", "--batch", stdin="\n".join(lines).encode() + b"\n")
        found: list[tuple[str, str, bytes] | None] = []
        at = 0
        for _ in names:
            end = out.index(b"\n", at)
            parts = out[at:end].decode(errors="replace").rsplit(" ", 2)
            at = end + 1
            if len(parts) == 3 and parts[2].isdigit():
                size = int(parts[2])
                found.append((parts[0], parts[1], out[at : at + size]))
                at += size + 1
            else:
                found.append(None)
        return found

    def commit(self, sha: str) -> Commit | None:
        return self.commits_by_sha([sha]).get(sha)

    def commits_by_sha(self, shas: Sequence[str]) -> dict[str, Commit]:
        found = self.objects(shas)
        return {o[0]: parse_commit(o[0], o[2]) for o in found if o is not None and o[1] == "commit"}

    def tag(self, sha: str) -> Tag | None:
        (found,) = self.objects([sha])
        return parse_tag(found[0], found[2]) if found is not None and found[1] == "tag" else None

    def blob(self, sha: str) -> bytes | None:
        (found,) = self.objects([sha])
        return found[2] if found is not None and found[1] == "blob" else None

    def log(self, include: Sequence[str], exclude: Sequence[str] = (), *options: str, path: str = "") -> list[str]:
        """SHAs reachable from `include` and not from `exclude`, newest first; `options` are `git rev-list`'s."""
        straight = set(options) <= {"--reverse", "--topo-order", "--no-merges"}
        if not self.extra and not path and straight and len(include) == 1:
            with suppress(libgit.Elsewhere):
                found = libgithistory.line(self.path, include[0], exclude)
                return found[::-1] if "--reverse" in options else found
            if len(exclude) == 1 and {"--reverse", "--topo-order"} == set(options):
                with suppress(libgit.Elsewhere):
                    return list(libgithistory.landed(self.path, exclude[0], include[0]))
        args = ["rev-list", *options, *include, *(f"^{sha}" for sha in exclude), "--"]
        return text(self.git(*args, *([f":(literal){path}"] if path else []))).split()

    def tree(self, treeish: str, *, recursive: bool = False) -> list[Entry]:
        """The rows of a tree; with `recursive`, trees below it and their rows too."""
        if not self.extra:
            with suppress(libgit.Elsewhere):
                return libgit.tree(self.path, treeish, recursive=recursive)
        out = self.git("ls-tree", "-z", "-l", *(["-r", "-t"] if recursive else []), treeish)
        return [parse_entry(row) for row in text(out).split("\0") if row]

    def entry(self, commit: str, path: str) -> Entry | None:
        """What is at `path` in a commit; the root is the empty path."""
        if not path:
            sha, kind, _ = self.kinds([f"{commit}^{{tree}}"])[0]
            return Entry("040000", "tree", sha, None, "") if kind == "tree" else None
        if not self.extra:
            with suppress(libgit.Elsewhere):
                return libgit.entry(self.path, commit, path.strip("/"))
        args = ["ls-tree", "-z", "-l", "--full-tree", commit, "--", path.strip("/")]
        _, out = run(self.path, args, ok=(0, 128), extra=self.extra)  # 128: a path that leads out of the tree
        return next((parse_entry(row) for row in text(out).split("\0") if row), None)

    def read(self, commit: str, path: str) -> bytes | None:
        """A file's content in a commit."""
        entry = self.entry(commit, path)
        return self.blob(entry.sha) if entry is not None and entry.type == "blob" else None

    def is_ancestor(self, ancestor: str, descendant: str) -> bool:
        if not self.extra:
            with suppress(libgit.Elsewhere):
                return libgithistory.is_ancestor(self.path, ancestor, descendant)
        args = ["merge-base", "--is-ancestor", ancestor, descendant]
        return run(self.path, args, ok=(0, 1), extra=self.extra)[0] == 0

    def merge_base(self, one: str, other: str) -> str | None:
        if not self.extra:
            with suppress(libgit.Elsewhere):
                return libgithistory.merge_base(self.path, one, other)
        code, out = run(self.path, ["merge-base", one, other], ok=(0, 1), extra=self.extra)
        return text(out).strip() if code == 0 else None

    # -- writing objects

    def write_blob(self, content: bytes) -> str:
        return libgitwrite.write(self.path, ObjectType.BLOB, content)

    def write_tree(self, entries: Mapping[str, tuple[str, str] | None], base: str | None = None) -> str:
        """A new tree: `base` with each path set to (mode, SHA) or, for None, taken away (with all below it).

        Uses a throw-away index, so any number of writers may run at once.
        """
        with suppress(libgit.Elsewhere):
            return libgitwrite.write_tree(self.path, entries, base)
        index = self.path / f"index.{secrets.token_hex(8)}"
        own = GitRepo(self.path, {**self.extra, "GIT_INDEX_FILE": str(index)})
        rows = []
        for path, entry in entries.items():
            if entry is None or entry[0] == "040000":
                rows += [f"0 {ZERO}\t{old}\0" for old in (self._below(base, path) if base else [])]
            if entry is not None and entry[0] == "040000":
                rows += [f"{e.mode} {e.sha}\t{path}/{e.path}\0" for e in self._files(entry[1])]
            elif entry is not None:
                rows.append(f"{entry[0]} {entry[1]}\t{path}\0")
        try:
            own.git("read-tree", *([base] if base else ["--empty"]))
            own.git("update-index", "--add", "--replace", "-z", "--index-info", stdin="".join(rows).encode())
            return text(own.git("write-tree")).strip()
        finally:
            index.unlink(missing_ok=True)

    def _below(self, treeish: str, path: str) -> list[str]:
        """The files at or below a path."""
        return text(self.git("ls-tree", "-r", "-z", "--name-only", treeish, "--", path)).split("\0")[:-1]

    def _files(self, treeish: str) -> list[Entry]:
        return [entry for entry in self.tree(treeish, recursive=True) if entry.type != "tree"]

    def write_commit(self, tree: str, parents: Sequence[str], author: Person, committer: Person, message: str) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {signature(author)}", f"committer {signature(committer)}", "", message]
        return libgitwrite.write(self.path, ObjectType.COMMIT, "\n".join(lines).encode())

    def write_tag(self, name: str, target: str, kind: str, tagger: Person, message: str) -> str:
        lines = [f"object {target}", f"type {kind}", f"tag {name}", f"tagger {signature(tagger)}", "", message, ""]
        return text(self.git("mktag", stdin="\n".join(lines).encode())).strip()


def _head_of(source: Path) -> str | None:
    for git_dir in (source / ".git", source):
        if (git_dir / "HEAD").is_file():
            head = (git_dir / "HEAD").read_text().strip()
            return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None
    return None
