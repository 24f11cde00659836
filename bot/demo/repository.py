"""Trees in and out of git repositories, byte for byte: no attribute, filter or line end of git changes anything."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.demo.replay.trees import Entry, Mode, Tree

WHO = "Ada <ada@example.org>"
SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c", "maintenance.auto=false")
MODES: Mapping[str, Mode] = {"100644": "100644", "100755": "100755", "120000": "120000"}


class GitTrouble(Exception):
    """Git could not do it; the text is what it said."""


def git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """Run git in a folder, without the person's own configuration."""
    env = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/nonexistent", "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    }  # fmt: skip
    done = subprocess.run(["git", *SAFE, *arguments], cwd=folder, input=given, capture_output=True, env=env)
    if done.returncode != 0:
        raise GitTrouble(f"git {arguments[0]}: {done.stderr.decode(errors='replace').strip()[-1500:]}")
    return done.stdout


def make(folder: Path, tree: Tree, message: str, branch: str = "main") -> Path:
    """A new bare repository with one commit that holds exactly `tree`."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "--bare", "-b", branch, ".")
    stream = [f"commit refs/heads/{branch}\ncommitter {WHO} 1767225600 +0000\n".encode(), _data(message.encode())]
    for path, entry in tree.items():
        stream += [b"M %s inline %s\n" % (entry.mode.encode(), _quoted(path)), _data(entry.data)]
    git(folder, "fast-import", "--quiet", given=b"".join(stream))
    return folder


def read(repository: Path, ref: str) -> dict[str, Entry]:
    """The tree of a commit; submodules are left out, as they hold no bytes."""
    rows = [r for r in git(repository, "ls-tree", "-r", "-z", "--full-tree", ref).split(b"\0") if r]
    parsed = [(meta.split(), path) for meta, _, path in (row.partition(b"\t") for row in rows)]
    wanted = [(m[0].decode(), m[2], os.fsdecode(path)) for m, path in parsed if m[1] == b"blob"]
    blobs = _blobs(repository, [name for _, name, _ in wanted])
    return {path: Entry(MODES[mode], blobs[name]) for mode, name, path in sorted(wanted, key=lambda row: row[2])}


def resolve(repository: Path, ref: str) -> str:
    """The commit that a name means; raises `GitTrouble` for an unknown one."""
    return git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}").decode().strip()


def with_files(repository: Path, ref: str, files: Tree) -> str:
    """A commit on top of `ref` that also has `files`; no branch moves."""
    tree = {**read(repository, ref), **files}
    scratch = "refs/branchwork-scratch"
    stream = [f"commit {scratch}\ncommitter {WHO} 1767225600 +0000\n".encode(), _data(b"With more files")]
    stream.append(f"from {resolve(repository, ref)}\ndeleteall\n".encode())
    for path, entry in tree.items():
        stream += [b"M %s inline %s\n" % (entry.mode.encode(), _quoted(path)), _data(entry.data)]
    git(repository, "fast-import", "--quiet", "--force", given=b"".join(stream))
    sha = resolve(repository, scratch)
    git(repository, "update-ref", "-d", scratch)
    return sha


def _blobs(repository: Path, names: Sequence[bytes]) -> dict[bytes, bytes]:
    out = git(repository, "cat-file", "--batch", "--buffer", given=b"".join(n + b"\n" for n in dict.fromkeys(names)))
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(out):
        end = out.index(b"\n", at)
        name, _, size = out[at:end].split(b" ")
        found[name] = out[end + 1 : end + 1 + int(size)]
        at = end + 2 + int(size)
    return found


def _data(data: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(data), data)


def _quoted(path: str) -> bytes:
    raw = os.fsencode(path)
    escaped = raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'
