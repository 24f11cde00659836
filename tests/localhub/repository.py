"""What tests do to a repository as a matter of course, over REST: files, branches, pull requests, protection."""

from __future__ import annotations

import base64
from typing import Any

import httpx

SAMPLE = "/repos/alice/sample"


def head_of(client: httpx.Client, name: str = "main", repo: str = SAMPLE) -> str:
    """The SHA of a branch's last commit."""
    return str(client.get(f"{repo}/git/ref/heads/{name}").json()["object"]["sha"])


def put(client: httpx.Client, path: str, text: str, branch: str = "main", repo: str = SAMPLE) -> str:
    """Write a file by a commit of its own, whatever is there; the commit's SHA."""
    body = {"message": f"Write {path}", "branch": branch, "content": base64.b64encode(text.encode()).decode()}
    old = client.get(f"{repo}/contents/{path}", params={"ref": branch})
    if old.status_code == 200:
        body["sha"] = old.json()["sha"]
    done = client.put(f"{repo}/contents/{path}", json=body)
    assert done.is_success, done.text
    return str(done.json()["commit"]["sha"])


def branch(client: httpx.Client, name: str, repo: str = SAMPLE) -> None:
    """A new branch where main is."""
    made = client.post(f"{repo}/git/refs", json={"ref": f"refs/heads/{name}", "sha": head_of(client, repo=repo)})
    assert made.status_code == 201, made.text


def propose(client: httpx.Client, name: str, text: str = "one\ntwo\nthree\n", **more: Any) -> dict[str, Any]:
    """A pull request from a new branch with a file, both of that name."""
    branch(client, name)
    put(client, f"{name}.txt", text, name)
    made = client.post(f"{SAMPLE}/pulls", json={"title": f"Bring {name}", "head": name, "base": "main", **more})
    assert made.status_code == 201, made.text
    return dict(made.json())


def protect(client: httpx.Client, **wanted: Any) -> None:
    """Classic protection of main, administrators included."""
    nothing = dict.fromkeys(("required_status_checks", "required_pull_request_reviews", "restrictions"))
    done = client.put(f"{SAMPLE}/branches/main/protection", json=nothing | {"enforce_admins": True} | wanted)
    assert done.status_code == 200, done.text
