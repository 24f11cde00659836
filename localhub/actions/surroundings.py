"""What a run finds around it: its variables and its place on the disk."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub


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
    folder = Path(tempfile.gettempdir()) / f"localhub-{os.geteuid()}-{mark}"
    with contextlib.suppress(FileNotFoundError):
        facts = folder.lstat()
        if facts.st_uid == os.geteuid():
            shutil.rmtree(folder)
    return folder
