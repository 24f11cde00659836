"""How the replayed worker reads and writes with the tools that the request declares."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from bot.demo.replay.conversation import Call
from bot.demo.replay.trees import Entry
from worker.patch import PatchError, apply

PIECE = 60_000
"""characters of base64 in one command: the kernel takes at most 131,072 in one argument"""
CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the checkout: kind (`f` file, `l` link), whether executable, SHA-256 of a file's bytes."""

    kind: str
    executable: bool
    digest: str

    def holds(self, entry: Entry) -> bool:
        """Whether this is `entry`, byte for byte."""
        if entry.mode == "120000":
            return self.kind == "l" and self.digest == digest(entry.data)
        return self.kind == "f" and self.digest == digest(entry.data) and self.executable == (entry.mode == "100755")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def probe(paths: Iterable[str]) -> Call:
    """A command that says what stands at these paths."""
    names = " ".join(_here(p) for p in paths)
    script = (
        f"for p in {names}; do "
        'if [ -L "$p" ]; then printf "l - %s %s\\n" "$(readlink -n -- "$p" | sha256sum | cut -c1-64)" "$p"; '
        'elif [ -f "$p" ]; then if [ -x "$p" ]; then x=x; else x=-; fi; '
        'printf "f %s %s %s\\n" "$x" "$(sha256sum < "$p" | cut -c1-64)" "$p"; fi; done'
    )
    return Call("run", {"command": script})


def probed(output: str) -> dict[str, Found]:
    """What `probe` said, by path."""
    rows = re.findall(r"^([fl]) ([x-]) ([0-9a-f]{64}) \./(.*)$", output, re.MULTILINE)
    return {path: Found(kind, mark == "x", found) for kind, mark, found, path in rows}


def bring(path: str, now: Found | None, known: Entry | None, wanted: Entry | None) -> list[Call]:
    """The calls that turn what stands at `path` into `wanted`; `known` is its content where that is known."""
    if wanted is None:
        return [Call("delete_file", {"path": path})] if now else []
    if now and now.holds(wanted):
        return []
    if wanted.mode == "120000":
        target = shlex.quote(wanted.data.decode("utf-8", "surrogateescape"))
        folder = shlex.quote("./" + path.rpartition("/")[0])
        return [Call("run", {"command": f"mkdir -p -- {folder} && ln -sfn -- {target} {_here(path)}"})]
    before = [Call("delete_file", {"path": path})] if now and now.kind == "l" else []
    text = readable(wanted.data)
    if text is None:
        return [*before, *by_base64(path, wanted)]
    if known is not None and now and now.holds(known) and known.mode == wanted.mode:
        patch = patched(path, readable(known.data), text)
        if patch is not None:
            return [Call("apply_patch", {"patch": patch})]
    return [
        *before,
        Call("write_file", {"path": path, "content": text, "executable": wanted.mode == "100755"}),
    ]


def by_base64(path: str, wanted: Entry) -> list[Call]:
    """For bytes that are no text. `write_file` first, so that the file counts as written and has its mode."""
    code = base64.b64encode(wanted.data).decode()
    calls = [Call("write_file", {"path": path, "content": "", "executable": wanted.mode == "100755"})]
    for at in range(0, len(code), PIECE):
        piece = code[at : at + PIECE]
        calls.append(Call("run", {"command": f"printf %s {piece} | base64 -d >> {_here(path)}"}))
    return calls


def readable(data: bytes) -> str | None:
    """The text, when a tool can write exactly these bytes from it."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def patched(path: str, old: str | None, new: str) -> str | None:
    """A V4A patch that makes `new` of `old`; None where one would be longer than the file or would not fit exactly."""
    if old is None or "\r" in old or "\r" in new or not old.endswith("\n") or not new.endswith("\n"):
        return None
    before, after = old.split("\n")[:-1], new.split("\n")[:-1]
    lines = ["*** Begin Patch", f"*** Update File: {path}"]
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(CONTEXT):
        lines.append("@@")
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [" " + line for line in before[i1:i2]]
                continue
            lines += ["-" + line for line in before[i1:i2]]
            lines += ["+" + line for line in after[j1:j2]]
    patch = "\n".join([*lines, "*** End Patch"])
    if len(patch) > len(new):
        return None
    try:
        return patch if apply(patch, {path: old}.get) == {path: new} else None
    except PatchError:
        return None


def batches(calls: Sequence[Call], most: int = 40) -> list[list[Call]]:
    """Calls to make side by side, in order."""
    return [list(calls[at : at + most]) for at in range(0, len(calls), most)]


def _here(path: str) -> str:
    return shlex.quote("./" + path)


Standing = Mapping[str, Found]
