"""A small Probot app: set up by Probot's own manifest page, then at work over signed webhooks."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("npm")]
SOURCES = Path(__file__).with_name("probot")
SAMPLE = "/repos/alice/sample"


class Probot:
    """A Probot app's folder and its process."""

    def __init__(self, folder: Path, modules: Path, hub: str) -> None:
        self.folder = folder
        folder.mkdir()
        for source in SOURCES.iterdir():
            if source.name != "package-lock.json":
                shutil.copy(source, folder)
        (folder / "node_modules").symlink_to(modules)
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = int(found.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "PORT": str(self.port), "HOST": "127.0.0.1",
            "GHE_HOST": hub.removeprefix("http://"), "GHE_PROTOCOL": "http", "NO_SMEE_SETUP": "true",
            "WEBHOOK_PROXY_URL": f"{self.url}/api/github/webhooks", "LOG_FORMAT": "json",
        }  # fmt: skip
        self.said: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    def start(self, **more: str) -> None:
        environment = {key: value for key, value in (self.environment | more).items() if value}
        self._process = subprocess.Popen(
            ["node", "app.mjs"], cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        ready = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(self._process, ready))
        self._reader.start()
        assert ready.wait(60), self.said

    def _read(self, process: subprocess.Popen[str], ready: threading.Event) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.said.append(line)
            if "Listening on" in line:
                ready.set()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


@pytest.fixture
def probot(
    packages: Callable[[Path], Path], localhub: Callable[..., Any], tmp_path: Path
) -> Iterator[tuple[Probot, Any]]:
    hub = localhub()
    app = Probot(tmp_path / "app", packages(SOURCES), hub.url)
    yield app, hub
    app.stop()


def field(page: str, name: str) -> str:
    """The value of a form's field or button, however it is quoted."""
    found = re.search(rf"""name="{name}"[^>]*?value=(?:'([^']*)'|"([^"]*)")""", page, re.DOTALL)
    assert found, page
    return html.unescape(found[1] or found[2])


def set_up(app: Probot, hub: Any) -> dict[str, str]:
    """What a person does in a browser: Probot's page, localhub's page, and back. Probot then has its secrets."""
    app.start()
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(f"{app.url}/probot").text
        action = re.search(r'<form action="([^"]+)" method="post"', page)
        assert action
        assert action[1] == f"{hub.url}/settings/apps/new"
        shown = browser.post(action[1], data={"manifest": field(page, "manifest")}).text
        form = {name: field(shown, name) for name in ("manifest", "state", "name")}
        back = browser.post(f"{hub.url}/settings/apps/create", data=form | {"owner": "alice"})
        assert back.status_code == 302
        assert back.headers["location"].startswith(f"{app.url}/probot/setup?code=")
        done = browser.get(back.headers["location"], timeout=30)
        assert done.headers["location"] == f"{hub.url}/apps/small-helper/installations/new"
        install(browser, hub.url, done.headers["location"])
    app.stop()
    text = (app.folder / ".env").read_text()
    kept = dict(re.findall(r'^([A-Z_]+)="?(.*?)"?$(?=\n[A-Z_]+=|\n*\Z)', text, re.MULTILINE | re.DOTALL))
    assert "BEGIN RSA PRIVATE KEY" in kept["PRIVATE_KEY"]
    assert kept["WEBHOOK_SECRET"]
    return kept


def install(browser: httpx.Client, hub: str, address: str) -> None:
    """Alice installs the app on all that is hers, on the page to which Probot sends her."""
    accept = {"Accept": "text/html"}
    browser.post(f"{hub}/login", data={"login": "alice"}, headers=accept)
    page = browser.get(address, headers=accept).text
    account = re.search(r'name="account"[^>]*?value="(\d+)"', page)
    assert account, page
    form = {"csrf": field(page, "csrf"), "account": account[1], "selection": "all"}
    done = browser.post(address, data=form, headers=accept)
    assert done.status_code in (302, 303), done.text


def wait_for(client: httpx.Client, path: str, wanted: Callable[[Any], Any], seconds: float = 60) -> Any:
    """What a GET answers as soon as it is as wanted."""
    end = time.monotonic() + seconds
    while True:
        found = client.get(path).json()
        if wanted(found):
            return found
        assert time.monotonic() < end, json.dumps(found, indent=1)
        time.sleep(0.05)


def push(client: httpx.Client, path: str, branch: str) -> None:
    body = {"message": path, "branch": branch, "content": base64.b64encode(b"x\n").decode()}
    assert client.put(f"{SAMPLE}/contents/{path}", json=body).status_code == 201


def test_a_small_app(probot: tuple[Probot, Any]) -> None:
    app, hub = probot
    kept = set_up(app, hub)
    app.start(**{key: kept[key] for key in ("APP_ID", "PRIVATE_KEY", "WEBHOOK_SECRET")})
    headers = {"Authorization": "Bearer ghp_alice"}
    with httpx.Client(base_url=f"{hub.url}/api/v3", headers=headers, trust_env=False) as alice:
        alice.post(f"{SAMPLE}/issues", json={"title": "One"})
        alice.post(f"{SAMPLE}/issues/1/labels", json={"labels": ["bug"]})
        (comment,) = wait_for(alice, f"{SAMPLE}/issues/1/comments", bool)
        assert (comment["body"], comment["user"]["login"]) == ("Labelled bug.", "small-helper[bot]")
        (reaction,) = wait_for(alice, f"{SAMPLE}/issues/1/reactions", bool)
        assert reaction["content"] == "eyes"
        alice.post(f"{SAMPLE}/issues/1/comments", json={"body": "/close"})
        closed = wait_for(alice, f"{SAMPLE}/issues/1", lambda issue: issue["state"] == "closed")
        assert closed["state_reason"] == "not_planned"

        config = base64.b64encode(b"word: configured\n").decode()
        alice.put(f"{SAMPLE}/contents/.github/helper.yml", json={"message": "Configure", "content": config})
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        push(alice, "good.txt", "topic")
        pull = alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main"}).json()
        (review,) = wait_for(alice, f"{SAMPLE}/pulls/{pull['number']}/reviews", bool)
        assert (review["state"], review["body"]) == ("APPROVED", "1 files")
        checks = f"{SAMPLE}/commits/{pull['head']['sha']}/check-runs?check_name=helper"
        (run,) = wait_for(alice, checks, lambda found: found["total_count"])["check_runs"]
        assert (run["conclusion"], run["output"]["title"], run["app"]["slug"]) == (
            "success",
            "configured",
            "small-helper",
        )
        push(alice, "bad.txt", "topic")
        reviews = wait_for(alice, f"{SAMPLE}/pulls/{pull['number']}/reviews", lambda found: len(found) == 2)
        assert reviews[1]["state"] == "CHANGES_REQUESTED"
    unsigned = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": "sha256=0"}
    forged = httpx.post(f"{app.url}/api/github/webhooks", json={}, headers=unsigned, trust_env=False)
    assert forged.status_code == 400
