"""Working copies for `actions/checkout`, made before the job starts: inside the sandbox there is no network."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localhub import gitfolder


@dataclass(frozen=True)
class Checkout:
    """One working copy. `branch` is checked out as such, else the commit alone; `problem`: why there can be none."""

    sha: str
    branch: str | None = None
    full: bool = False
    depth: int = 1
    url: str = ""
    problem: str | None = None


def make(git_dir: Path, folder: Path, wanted: Mapping[str, Checkout]) -> str | None:
    """A folder for each name below `folder`; what went wrong, or None."""
    folder.mkdir(mode=0o755)
    gitfolder.settle(git_dir)
    for name, checkout in wanted.items():
        if checkout.problem:
            (folder / f"{name}.problem").write_text(checkout.problem + "\n")
            (folder / f"{name}.problem").chmod(0o644)
        elif problem := _make(git_dir, folder / name, checkout):
            return problem
    return None


def _make(git_dir: Path, folder: Path, checkout: Checkout) -> str | None:
    """Put the commit into `folder` with a .git of its own.

    Runs nothing that the repository brings: no templates, hooks, filters or configuration of its own.
    """
    serve = "git -c uploadpack.allowAnySHA1InWant=true upload-pack"
    fetch = ["fetch", "-q", "--no-tags", f"--upload-pack={serve}", git_dir.resolve().as_uri()]
    if checkout.full:
        fetch += ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*", checkout.sha]
    else:
        fetch += [f"--depth={checkout.depth}", checkout.sha]
    to = ["checkout", "-q", *(["-B", checkout.branch] if checkout.branch else []), checkout.sha]
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "LC_ALL": "C",
    }
    env |= {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_TERMINAL_PROMPT": "0"}
    folder.mkdir(mode=0o755)
    for arguments in (["init", "-q", "--template=", "."], fetch, ["-c", "advice.detachedHead=false", *to]):
        done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, umask=0o022, check=False)
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            return f"The commit {checkout.sha} could not be checked out: {said}"
    with (folder / ".git" / "config").open("a") as config:
        config.write(f'[remote "origin"]\n\turl = {checkout.url}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')
    return None
