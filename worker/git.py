"""git as the trusted side runs it: clean environment, no configuration of the host or of any user, bounded."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
}
ALWAYS = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "maintenance.auto=0")
# A hostile pack can claim to unpack to anything: these hold for every trusted git process (bytes, seconds).
CAPS = ("--data=2147483648", "--fsize=8589934592", "--cpu=600", "--core=0")


class GitError(Exception):
    """git ended with an error; the text is its own."""


def git(
    *args: str,
    git_dir: Path,
    env: dict[str, str] | None = None,
    stdin: bytes = b"",
    user: tuple[int, int] | None = None,
    timeout: float = 600,
) -> bytes:
    """Run git on `git_dir` and return its stdout. With `user` it runs under that uid and gid (only root can)."""
    prefix = [_program("prlimit"), *CAPS]
    if user is not None:
        prefix += [_program("setpriv"), f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups", "--no-new-privs"]
        prefix += ["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all"]
    try:
        done = subprocess.run(
            [*prefix, _program("git"), *ALWAYS, *args],
            env={**ENVIRONMENT, "GIT_DIR": str(git_dir), **(env or {})},
            cwd="/",
            input=stdin,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise GitError(f"git {args[0]} took more than {timeout:g} s") from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip()[-2000:]
        raise GitError(f"git {args[0]} failed ({done.returncode}): {told}")
    return done.stdout


def _program(name: str) -> str:
    found = shutil.which(name, path=ENVIRONMENT["PATH"])
    if found is None:
        raise GitError(f"{name} is not installed")
    return found


def make_git_dir(folder: Path, head: str, alternates: str, *, shallow: tuple[str, ...] = ()) -> None:
    """A GIT_DIR from nothing (no template, no host configuration): HEAD at a commit, objects from elsewhere."""
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "info"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text(f"{head}\n")
    (folder / "config").write_text(CONFIG)
    (folder / "objects/info/alternates").write_text(f"{alternates}\n")
    if shallow:
        (folder / "shallow").write_text("".join(f"{sha}\n" for sha in sorted(shallow)))


# checkStat: uids differ inside and outside of a sandbox, and would have every file read again.
CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = false
\tcheckStat = minimal
\ttrustctime = false
[gc]
\tauto = 0
[advice]
\tdetachedHead = false
"""


def give(path: Path, uid: int, gid: int) -> None:
    """Make `path` and all under it, all of it our own work so far, belong to a uid."""
    os.chown(path, uid, gid, follow_symlinks=False)
    for folder, folders, files in os.walk(path):
        for name in (*folders, *files):
            os.chown(os.path.join(folder, name), uid, gid, follow_symlinks=False)
