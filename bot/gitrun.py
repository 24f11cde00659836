"""Git as the trusted side runs it: no configuration but ours, no hooks, no prompts, the token by askpass alone."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ASKPASS = """#!/bin/sh
case "$1" in
Username*) echo x-access-token ;;
*) printf '%s\\n' "$BRANCHWORK_GIT_TOKEN" ;;
esac
"""
SAFE = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "protocol.allow=never",
    "-c",
    "protocol.http.allow=always",
    "-c",
    "protocol.https.allow=always",
    "-c",
    "credential.helper=",
    "-c",
    "http.followRedirects=initial",
    "-c",
    "gc.auto=0",
    "-c",
    "maintenance.auto=false",
    "-c",
    "submodule.recurse=false",
)


class GitFailed(Exception):
    """Git ended with an error. `stderr` is what it said."""

    def __init__(self, args: Sequence[str], code: int, stderr: str) -> None:
        super().__init__(f"git {args[0] if args else ''} failed ({code}): {stderr.strip()[-1500:]}")
        self.code = code
        self.stderr = stderr


class GitUnreachable(GitFailed):
    """The server did not answer; nothing is wrong with the repository."""


class GitDenied(GitFailed):
    """The server did not accept the token."""


def install_askpass(folder: Path) -> Path:
    """The helper that git asks for the password; it holds no secret itself."""
    path = folder / "askpass"
    if not path.exists() or path.read_text() != ASKPASS:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f"askpass.{os.getpid()}")
        fresh.write_text(ASKPASS)
        fresh.chmod(0o700)
        fresh.replace(path)
    return path


def environment(askpass: Path | None = None, token: str = "", extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git process."""
    values = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": "/nonexistent",
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ATTR_NOSYSTEM": "1",
    }
    for name in ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "https_proxy", "http_proxy", "no_proxy"):
        if name in os.environ:
            values[name] = os.environ[name]
    if askpass is not None:
        values |= {"GIT_ASKPASS": str(askpass), "BRANCHWORK_GIT_TOKEN": token}
    return values | dict(extra or {})


def git(
    cwd: Path,
    *args: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    codes: tuple[int, ...] = (0,),
    timeout: float = 600,
) -> tuple[int, str]:
    """(exit code, output). Raises `GitFailed` for a code not in `codes`, OSError(ENOSPC) for a full disk."""
    done = subprocess.run(
        ["git", *SAFE, *args],
        cwd=cwd,
        env=dict(env) if env is not None else environment(),
        input=stdin,
        stdin=None if stdin is not None else subprocess.DEVNULL,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    if done.returncode in codes:
        return done.returncode, done.stdout.decode("utf-8", "surrogateescape")
    raise _failure(args, done.returncode, done.stderr.decode("utf-8", "replace"))


def _failure(args: Sequence[str], code: int, stderr: str) -> Exception:
    lower = stderr.lower()
    if "no space left on device" in lower or "disk quota exceeded" in lower:
        return OSError(errno.ENOSPC, f"git {args[0]}: the disk is full")
    if any(s in lower for s in ("authentication failed", "error: 401", "error: 403", "could not read password")):
        return GitDenied(args, code, stderr)
    if any(
        s in lower
        for s in (
            "could not resolve host",
            "failed to connect",
            "couldn't connect",
            "connection reset",
            "connection refused",
            "operation timed out",
            "early eof",
            "error: 5",
            "the remote end hung up",
            "empty reply",
        )
    ):
        return GitUnreachable(args, code, stderr)
    return GitFailed(args, code, stderr)
