"""Running git: a clean environment, arguments that cannot become options, and one error type.

Nothing of the host's git configuration, hooks or templates is read, so that a repository behaves the same everywhere.
"""

import os
import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from localhub import gitfolder

ZERO = "0" * 40
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
SHA = re.compile(r"[0-9a-f]{40}\Z")

# Settings that GitHub has and a fresh git has not, or that keep background work away from the repository.
SETTINGS = {
    "receive.advertisePushOptions": "true",  # GitHub takes them, and does nothing with them
    "core.hooksPath": os.devnull,
    "core.quotePath": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.receivepack": "true",
    "receive.autogc": "false",
    "receive.hideRefs": "refs/pull",
    "safe.directory": "*",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
}


class GitError(Exception):
    """git refused or failed; `stderr` is what it said."""

    def __init__(self, args: Sequence[str], code: int, stderr: str) -> None:
        super().__init__(f"git {' '.join(args)} ended with {code}: {stderr.strip()}")
        self.code = code
        self.stderr = stderr.strip()


@dataclass(frozen=True)
class Person:
    """An author or committer; `date` is git's raw form, seconds since the epoch and an offset: `1700000000 +0000`."""

    name: str
    email: str
    date: str

    @property
    def epoch(self) -> int:
        return int(self.date.split()[0])


@dataclass(frozen=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True)
class Tag:
    """An annotated tag object."""

    sha: str
    object: str
    type: str
    tag: str
    tagger: Person
    message: str


@dataclass(frozen=True)
class Entry:
    """One row of a tree; `size` is set for blobs only."""

    mode: str
    type: str
    sha: str
    size: int | None
    path: str


@dataclass(frozen=True)
class RefChange:
    """A ref moved from `old` to `new`; forty zeros stand for "was not there"."""

    ref: str
    old: str
    new: str

    @property
    def created(self) -> bool:
        return self.old == ZERO

    @property
    def deleted(self) -> bool:
        return self.new == ZERO


def environment(settings: Mapping[str, str] | None = None, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git process: no HOME, no system or user configuration, our settings on top."""
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ATTR_NOSYSTEM": "1",
    }
    merged = {**SETTINGS, **(settings or {})}
    env["GIT_CONFIG_COUNT"] = str(len(merged))
    for index, (key, value) in enumerate(merged.items()):
        env[f"GIT_CONFIG_KEY_{index}"] = key
        env[f"GIT_CONFIG_VALUE_{index}"] = value
    return {**env, **(extra or {})}


_thread = threading.local()


def started() -> int:
    """How many git processes this thread has run."""
    return int(getattr(_thread, "started", 0))


def run(
    path: Path,
    args: Sequence[str],
    *,
    stdin: bytes = b"",
    ok: Sequence[int] = (0,),
    extra: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """Run git in the bare repository `path`; give its exit code, one of `ok`, and what it printed."""
    if any("\0" in arg for arg in args):  # no command line can carry it; to git it is just a name that is none
        if max(ok) == 0:
            raise GitError(args, 128, "NUL in an argument")
        return max(ok), b""
    gitfolder.settle(path)
    _thread.started = started() + 1
    command = ["git", f"--git-dir={path}", *args]
    done = subprocess.run(command, input=stdin, capture_output=True, env=environment(extra=extra), check=False)
    if done.returncode not in ok:
        raise GitError(args, done.returncode, done.stderr.decode(errors="replace"))
    return done.returncode, done.stdout


def text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def person(line: str) -> Person:
    """Parse `Name <mail> 1700000000 +0000`."""
    match = re.match(r"(.*?) ?<(.*)> (-?\d+ [+-]\d{4})\Z", line)
    if match is None:
        return Person(line, "", "0 +0000")
    return Person(match[1], match[2], match[3])


def split_object(raw: bytes) -> tuple[dict[str, list[str]], str]:
    """Headers and message of a commit or tag object; a header's continuation lines are joined with newlines."""
    head, _, message = raw.partition(b"\n\n")
    headers: dict[str, list[str]] = {}
    last = ""
    for line in text(head).split("\n"):
        if line.startswith(" "):
            headers[last][-1] += "\n" + line[1:]
            continue
        last, _, value = line.partition(" ")
        headers.setdefault(last, []).append(value)
    return headers, text(message)


def parse_commit(sha: str, raw: bytes) -> Commit:
    headers, message = split_object(raw)
    return Commit(
        sha,
        headers["tree"][0],
        tuple(headers.get("parent", [])),
        person(headers["author"][0]),
        person(headers["committer"][0]),
        message.removesuffix("\n"),
    )


def parse_tag(sha: str, raw: bytes) -> Tag:
    headers, message = split_object(raw)
    tagger = person(headers["tagger"][0]) if "tagger" in headers else Person("", "", "0 +0000")
    return Tag(sha, headers["object"][0], headers["type"][0], headers["tag"][0], tagger, message.removesuffix("\n"))


def signature(who: Person) -> str:
    """A person as a line of a commit or tag has them."""
    clean = str.maketrans("", "", "<>\n\0")
    return f"{who.name.translate(clean)} <{who.email.translate(clean)}> {raw_date(who.date)}"


def raw_date(date: str) -> str:
    """git's raw form of a date, which may be ISO 8601 with an offset or `Z`."""
    if "T" not in date:
        return date
    moment = datetime.fromisoformat(date)
    offset = moment.strftime("%z") or "+0000"
    return f"{int(moment.timestamp())} {offset[:5]}"


def plain(name: str) -> bool:
    """Whether it can be looked up: no second line, and nothing of the reflog, which a bare repository has not."""
    return "\n" not in name and "@{" not in name


def parse_entry(row: str) -> Entry:
    """A row of `ls-tree --long`."""
    meta, path = row.split("\t", 1)
    mode, kind, sha, size = meta.split()
    return Entry(mode, kind, sha, int(size) if size.isdigit() else None, path)
