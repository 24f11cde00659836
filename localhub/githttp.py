"""git's smart HTTP by `git http-backend`: the protocol only; who may do what is asked of the `Door` it is given."""

import asyncio
import os
import shlex
import subprocess
import tempfile
import threading
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from localhub import gitfolder
from localhub.gitcore import RefChange, environment
from localhub.gitstore import GitRepo
from localhub.locks import RepoLock

HOOK = """#!/bin/sh
# Hands the asked-for updates and the quarantine to the server at the other end of two pipes, and obeys its answer.
{
  printf '%s\\n' "$GIT_OBJECT_DIRECTORY" "$GIT_ALTERNATE_OBJECT_DIRECTORIES" "$GIT_QUARANTINE_PATH"
  cat
  echo end
} >"/dev/fd/$LOCALHUB_ASK"
while IFS= read -r line; do
  [ "$line" = ok ] && exit 0
  printf '%s\\n' "$line" >&2
done <"/dev/fd/$LOCALHUB_ANSWER"
exit 1
"""
UPDATE = """#!/bin/sh
for refused in {refs}; do
  [ "$1" = "$refused" ] && exit 1
done
exit 0
"""
SPOOL = 1024 * 1024  # a body larger than this goes to the disk
CHUNK = 64 * 1024


class Door(Protocol):
    """What a push or fetch asks of the rest of the hub, for one repository and one actor."""

    def check(self, repo: GitRepo, changes: Sequence[RefChange]) -> Mapping[str, Sequence[str]]:
        """The refs to refuse, each with the reasons; `repo` sees the pushed objects, no ref has moved."""
        ...

    def pushed(self, changes: Sequence[RefChange]) -> None:
        """The push is done, with these moves or none; called before its client is told so."""
        ...


def _install(folder: Path, name: str, text: str) -> None:
    fresh = folder / f"{name}.{os.getpid()}"
    fresh.write_text(text)
    fresh.chmod(0o755)
    fresh.replace(folder / name)


def hooks_of(folder: Path) -> Path:
    """A repository's folder of hooks, the server's own, where no push can reach it, as it is before a push.

    Pushes to one repository come one at a time. `update`, which git asks for each ref, is there only when it has
    something to say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "update").unlink(missing_ok=True)
    _install(folder, "pre-receive", HOOK)
    return folder


async def spool(request: Request) -> IO[bytes]:
    """The request's body, unzipped if need be, in a file positioned at its start."""
    file = tempfile.SpooledTemporaryFile(SPOOL)  # noqa: SIM115
    zipped = request.headers.get("content-encoding", "").lower() in ("gzip", "x-gzip")
    unzip = zlib.decompressobj(wbits=31) if zipped else None
    try:
        async for chunk in request.stream():
            file.write(unzip.decompress(chunk) if unzip else chunk)
    except zlib.error as error:
        file.close()
        raise HTTPException(400, "Bad Request") from error
    file.seek(0)
    return file


def _cgi(request: Request, repo: GitRepo, path_info: str, user: str, length: int) -> dict[str, str]:
    env = {
        "GIT_PROJECT_ROOT": str(repo.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repo.path.name}{path_info}",
        "QUERY_STRING": request.url.query,
        "REQUEST_METHOD": request.method,
        "REMOTE_USER": user,
        "REMOTE_ADDR": request.client.host if request.client else "127.0.0.1",
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(length),
    }
    protocol = request.headers.get("git-protocol")
    return env | ({"GIT_PROTOCOL": protocol} if protocol else {})


def _answer(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers from the CGI head."""
    headers = {}
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name:
            headers[name.strip()] = value.strip()
    status = int(headers.pop("Status", "200").split()[0])
    return status, headers


async def fetch(request: Request, repo: GitRepo, path_info: str, user: str) -> Response:
    """Advertise refs, or send objects, as a stream; its memory does not grow with the repository."""
    body = await spool(request)
    process = await run_in_threadpool(_start, request, repo, path_info, user, body)
    assert process.stdout is not None
    head = await run_in_threadpool(_read_head, process.stdout)
    if not head:
        await run_in_threadpool(_end, process)
        return PlainTextResponse("git failed to answer", 500)
    status, headers = _answer(head)
    return StreamingResponse(_stream(process), status_code=status, headers=headers)


def _start(request: Request, repo: GitRepo, path_info: str, user: str, body: IO[bytes]) -> subprocess.Popen[bytes]:
    with body:
        length = body.seek(0, os.SEEK_END)
        body.seek(0)
        env = environment(extra=_cgi(request, repo, path_info, user, length))
        gitfolder.settle(repo.path)
        return subprocess.Popen(["git", "http-backend"], stdin=_real(body), stdout=subprocess.PIPE, env=env)


def _real(body: IO[bytes]) -> IO[bytes]:
    """A file with a descriptor, which a spooled one has only after it went to the disk."""
    body.rollover()  # type: ignore[attr-defined]
    body.seek(0)
    return body


def _read_head(stdout: IO[bytes]) -> bytes:
    lines = []
    while (line := stdout.readline()) not in (b"\r\n", b"\n", b""):
        lines.append(line)
    return b"".join(lines)


async def _stream(process: subprocess.Popen[bytes]) -> AsyncIterator[bytes]:
    assert process.stdout is not None
    try:
        while chunk := await run_in_threadpool(process.stdout.read1, CHUNK):  # type: ignore[attr-defined]
            yield chunk
    finally:
        if process.poll() is None:  # waiting for it in the loop's own thread would hold up every other request
            asyncio.get_running_loop().run_in_executor(None, _end, process)
        else:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Reap it; a client that went away leaves a process that still writes."""
    if process.poll() is None:
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout:
        process.stdout.close()


@dataclass(frozen=True)
class Reception:
    """How a repository takes pushes: one at a time, past its folder of hooks, in packs of at most so many bytes."""

    lock: RepoLock
    hooks: Path
    most: int


async def push(request: Request, repo: GitRepo, user: str, way: Reception, door: Door) -> Response:
    """Take a push. The client's report is sent only after `door.pushed` has returned."""
    body = await spool(request)
    return await run_in_threadpool(_push, request, repo, user, way, door, body)


def _push(request: Request, repo: GitRepo, user: str, way: Reception, door: Door, body: IO[bytes]) -> Response:
    with body:
        length = body.seek(0, os.SEEK_END)
        cgi = _cgi(request, repo, "/git-receive-pack", user, length)
        with way.lock:
            before = repo.refs()
            out = _receive(repo, cgi, _real(body), way, door)
            repo.moved()
            changes = differences(before, repo.refs())
            door.pushed(changes)
    head, separator, content = out.partition(b"\r\n\r\n")
    if not separator:
        return PlainTextResponse("git failed to answer", 500)
    status, headers = _answer(head)
    return Response(content, status_code=status, headers=headers)


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[RefChange]:
    """What moved between two looks at the refs."""
    zero = "0" * 40
    names = sorted(before.keys() | after.keys())
    pairs = ((name, before.get(name, zero), after.get(name, zero)) for name in names)
    return [RefChange(name, old, new) for name, old, new in pairs if old != new]


def _receive(repo: GitRepo, cgi: Mapping[str, str], body: IO[bytes], way: Reception, door: Door) -> bytes:
    ask_read, ask_write = os.pipe()
    answer_read, answer_write = os.pipe()
    hooks = hooks_of(way.hooks)
    env = environment(
        {"core.hooksPath": str(hooks), "receive.maxInputSize": str(way.most)},
        {**cgi, "LOCALHUB_ASK": str(ask_write), "LOCALHUB_ANSWER": str(answer_read)},
    )
    gitfolder.settle(repo.path)
    process = subprocess.Popen(
        ["git", "http-backend"], stdin=body, stdout=subprocess.PIPE, env=env, pass_fds=(ask_write, answer_read)
    )
    os.close(ask_write)
    os.close(answer_read)
    output: list[bytes] = []
    reader = threading.Thread(target=lambda: output.append(process.communicate()[0]))
    reader.start()
    try:
        _judge(repo, door, hooks, ask_read, answer_write)
    finally:  # with the pipes closed an unanswered hook refuses
        reader.join()
    return output[0]


def _judge(repo: GitRepo, door: Door, hooks: Path, ask_read: int, answer_write: int) -> None:
    """The hook's other end; a push that asks for nothing (or dies before) closes the pipe without a word.

    Only "ok" lets a push through, so a failure of the check refuses it. When some refs alone are refused, the hook
    `update` turns these away.
    """
    with os.fdopen(ask_read, "rb") as asked, os.fdopen(answer_write, "wb") as answer:
        lines = []
        while (line := asked.readline().decode(errors="replace")) not in ("end\n", ""):
            lines.append(line.rstrip("\n"))
        if not line:
            return
        names = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH")
        quarantine = {name: value for name, value in zip(names, lines, strict=False) if value}
        changes = [RefChange(ref, old, new) for old, new, ref in (row.split(" ", 2) for row in lines[3:])]
        refusals = door.check(GitRepo(repo.path, quarantine), changes)
        sentences = [sentence for why in refusals.values() for sentence in why]
        if refusals and len(refusals) < len(changes):
            _install(hooks, "update", UPDATE.format(refs=shlex.join(refusals)))
        if len(refusals) < len(changes):
            sentences.append("ok")
        answer.write("".join(f"{sentence}\n" for sentence in sentences).encode())
