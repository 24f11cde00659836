"""What a run finds around it: its variables and its place on the disk."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from localhub.actions.sandbox import own_folder

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_LOCK = "lock"
_YOUNG = 60.0  # seconds in which another process may be between making its folder and locking it


def environment(hub: Hub, run: Row) -> dict[str, str]:
    """The GITHUB_ variables of a run, as far as act does not set them itself."""
    repo = hub.access.repo_by_id(run["repo_id"])
    name = f"{repo['owner_login']}/{repo['name']}"
    flow = hub.db.get("workflows", run["workflow_id"])
    pull = run["pull_number"] is not None
    return {
        "GITHUB_REPOSITORY": name,
        "GITHUB_REPOSITORY_ID": str(repo["id"]),
        "GITHUB_REPOSITORY_OWNER": repo["owner_login"],
        "GITHUB_RUN_ID": str(run["id"]),
        "GITHUB_RUN_NUMBER": str(run["number"]),
        "GITHUB_RUN_ATTEMPT": str(run["attempt"]),
        "GITHUB_SERVER_URL": hub.html(),
        "GITHUB_API_URL": hub.api(),
        "GITHUB_GRAPHQL_URL": f"{hub.root}/api/graphql",
        "GITHUB_REF": run["ref"],
        "GITHUB_REF_TYPE": "tag" if run["ref"].startswith("refs/tags/") else "branch",
        "GITHUB_REF_NAME": run["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/").removeprefix("refs/pull/"),
        "GITHUB_SHA": run["checkout_sha"],
        "GITHUB_HEAD_REF": (run["head_branch"] or "") if pull else "",
        "GITHUB_WORKFLOW_REF": f"{name}/{flow['path']}@{run['ref']}",
        "GITHUB_WORKFLOW_SHA": run["checkout_sha"],
        "GITHUB_TRIGGERING_ACTOR": hub.db.get("accounts", run["triggering_actor_id"])["login"],
    }


def scratch_for(data: Path) -> Path:
    """A folder outside of `data`, which may be closed to the uid that jobs run under; the same after a restart."""
    mark = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"{_prefix()}{mark}"


def _prefix() -> str:
    return f"localhub-{os.geteuid()}-"


def hold(scratch: Path) -> int:
    """Take the folder for this process, empty; a descriptor that says so until it is closed or the process ends.

    Folders of hubs that were killed are cleared away, too: theirs are of this user, and nobody holds them.
    """
    for folder in scratch.parent.glob(f"{_prefix()}*"):
        facts = folder.lstat()
        if facts.st_uid == os.geteuid() and (folder == scratch or time.time() - facts.st_ctime > _YOUNG):
            _remove_unheld(folder)
    own_folder(scratch)
    handle = os.open(scratch / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise RuntimeError(f"{scratch} is held: another localhub runs on this data directory; stop it first") from None
    return handle


def _remove_unheld(folder: Path) -> None:
    try:
        handle = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
