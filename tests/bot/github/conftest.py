"""A real local GitHub in a process of its own, with one repository, one person and the app; and what speaks to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bot.adapters import SignedMarks
from bot.contract import ActionRow, Performed
from bot.github.gateway import Gateway, Gateways
from bot.mirror import Identity, Mirror
from bot.model import Defaults, Models
from bot.perform import Deps, Performer, Timing
from bot.previews import CostBasis
from planner.actions import Vet
from planner.facts import Usage
from planner.model import Address, Scope
from planner.view import PlannerView
from worker.sandbox.bubblewrap import Bubblewrap
from worker.workspace import Workspaces

REPO = "ada/sample"
TOKEN = "ghp_" + "a" * 36
PERMISSIONS = {
    "contents": "write", "issues": "write", "pull_requests": "write", "actions": "write", "checks": "read",
    "statuses": "read", "metadata": "read", "members": "read",
}  # fmt: skip


@dataclass
class Hub:
    """The server, and what was seeded."""

    url: str
    key: str
    installation: int
    repo_id: int
    app_id: int = 7
    person: httpx.Client = field(default_factory=httpx.Client)

    def api(self, verb: str, path: str, body: Any = None, token: str = TOKEN) -> Any:
        """What a person does over REST."""
        answer = self.person.request(verb, f"{self.url}{path}", json=body, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 300, f"{verb} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def git(folder: Path, *args: str) -> str:
    who = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.org", "GIT_COMMITTER_NAME": "Ada",
           "GIT_COMMITTER_EMAIL": "ada@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}  # fmt: skip
    done = subprocess.run(
        ["git", *args], cwd=folder, env=dict(os.environ) | who, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A small repository with a test and a workflow."""
    folder = tmp_path / "source"
    (folder / ".github/workflows").mkdir(parents=True)
    (folder / "a.txt").write_text("one\ntwo\nthree\n")
    (folder / "calc.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / ".github/workflows/ci.yml").write_text(
        "on:\n  push: {branches: ['branchwork/**/train']}\njobs:\n  t:\n    runs-on: ubuntu-latest\n"
        "    steps: [{run: 'true'}]\n"
    )
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "First")
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pem: str) -> Iterator[str]:
    """The address of a localhub without repositories; the app is installed on all that ada will have."""
    folder = tmp_path_factory.mktemp("server")
    seed = {
        "users": [{"login": "ada", "token": TOKEN}, {"login": "eve", "token": "ghp_" + "e" * 36}],
        "apps": [{"id": 7, "slug": "branchwork", "owner": "ada", "private_key_pem": pem, "permissions": PERMISSIONS}],
        "installations": [{"app": "branchwork", "account": "ada"}],
    }
    (folder / "seed.json").write_text(json.dumps(seed))
    process = subprocess.Popen(
        [sys.executable, "-m", "localhub", "--port", "0", "--data", str(folder / "hub"), "--seed",
         str(folder / "seed.json")],
        stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        try:
            yield found[0]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


@pytest.fixture
def hub(server: str, source: Path, pem: str) -> Iterator[Hub]:
    """The server with a new repository, which goes with its test."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=6)) as person:
        hub = Hub(server, pem, 0, 0, person=person)
        hub.api("DELETE", "/_localhub/limits/counts")
        hub.repo_id = hub.api("POST", "/user/repos", {"name": REPO.partition("/")[2]})["id"]
        git(source, "push", "-q", server.replace("http://", f"http://ada:{TOKEN}@") + f"/{REPO}.git", "main")
        gateways = Gateways(hub.app_id, pem, server)
        hub.installation = gateways.installations()[0].id
        gateways.close()
        yield hub
        hub.api("DELETE", f"/repos/{REPO}")


@pytest.fixture
def gateways(hub: Hub) -> Iterator[Gateways]:
    made = Gateways(hub.app_id, hub.key, hub.url)
    yield made
    made.close()


@pytest.fixture
def gateway(hub: Hub, gateways: Gateways) -> Gateway:
    return gateways.of(hub.installation, REPO)


class MemoryBooks:
    """The ledger, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Usage] = {}

    def spend(self, row: ActionRow, number: int, role: str, model: str, usage: Usage) -> None:
        self.rows[f"{row.key}:{row.attempts}:{number}"] = usage

    def spent(self, tree: str) -> Usage:
        total = Usage()
        for usage in self.rows.values():
            total += usage
        return total

    def cost_basis(self, repo_id: int) -> CostBasis | None:
        return None


@dataclass
class Stage:
    """The performers on a real GitHub, without an engine: each action is asked for by the test."""

    hub: Hub
    deps: Deps
    gateway: Gateway
    views: dict[str, PlannerView]
    scope: Scope
    pauses: list[float]

    def perform(self, action: Any, owner: Address | None = None, **row: Any) -> Performed:
        """Does one action as the engine would hand it over."""
        owner = owner or Address(kind="planner", key=f"{self.scope.tree}/r")
        return Performer(self.deps)(ActionRow(action.key or "k1", owner, self.scope, action, **row))

    def event(self, action: Any, owner: Address | None = None, **row: Any) -> Any:
        """The one event that an action leads to."""
        ((_, _, event),) = self.perform(action, owner, **row).events
        return event

    def vet(self, fact: str, login: str, **facts: Any) -> Performed:
        """What becomes of something that a person did."""
        to = Address(kind="planner", key=f"{self.scope.tree}/r")
        return self.perform(Vet(key=f"v-{fact}", to=to, fact=fact, login=login, facts={"id": "fact", **facts}))

    @property
    def mirror(self) -> Mirror:
        return self.deps.mirrors(self.scope)


@pytest.fixture
def stage(hub: Hub, gateways: Gateways, tmp_path: Path) -> Iterator[Stage]:
    views: dict[str, PlannerView] = {}
    scope = Scope(installation=hub.installation, repo_id=hub.repo_id, repo=REPO, root=1, tree=f"{hub.repo_id}-1")
    identity = Identity("branchwork[bot]", "7+branchwork[bot]@users.noreply.github.com")
    known: list[Mirror] = []
    data = Path("/tmp") / f"bw-{os.getpid()}-{time.monotonic_ns()}"
    data.mkdir(mode=0o755)

    def mirrors(_: Scope) -> Mirror:
        if not known:
            (data / "mirrors").mkdir()
            url = gateways.of(hub.installation, REPO).repository().clone_url
            token: Callable[[bool], str] = lambda write: gateways.git_token(hub.installation, REPO, write=write)  # noqa: E731
            known.append(Mirror(data / "mirrors" / "m.git", url, token, identity))
        return known[0]

    box = Bubblewrap()
    pauses: list[float] = []
    models = Models(Defaults(name="none", api_key="none", input_price=0, output_price=0))
    deps = Deps(
        gateways=gateways,
        mirrors=mirrors,
        workspaces=Workspaces(data / "workspaces", box),
        sandbox=box,
        models=models,
        marks=SignedMarks(("s" * 32,)),
        books=MemoryBooks(),
        view=views.get,
        data_dir=data,
        identity=lambda: identity,
        clock=time.time,
        pause=pauses.append,
        timing=Timing(ci_start=30),
    )
    yield Stage(hub, deps, gateways.of(hub.installation, REPO), views, scope, pauses)
    models.close()
    subprocess.run(["rm", "-rf", str(data)], check=True)


@pytest.fixture
def root(stage: Any) -> int:
    """The labelled root issue; it is number 1."""
    issue = stage.hub.api("POST", f"/repos/{REPO}/issues", {"title": "Grow", "body": "Please."})
    assert issue["number"] == 1
    return 1


@pytest.fixture
def clone(hub: Hub, tmp_path: Path) -> Path:
    """A person's clone, to push from."""
    folder = tmp_path / "clone"
    url = hub.url.replace("http://", f"http://ada:{TOKEN}@") + f"/{REPO}.git"
    git(tmp_path, "clone", "-q", url, str(folder))
    return folder


def push(clone: Path, branch: str, files: Mapping[str, str], start: str = "origin/main") -> str:
    """Commits files on a branch and pushes it; the head."""
    git(clone, "fetch", "-q", "origin")
    git(clone, "checkout", "-q", "-B", branch, start)
    for name, text in files.items():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text(text)
    git(clone, "add", "-A")
    git(clone, "commit", "-qm", f"Change {', '.join(files)}")
    git(clone, "push", "-q", "origin", branch)
    return git(clone, "rev-parse", "HEAD")


@pytest.fixture
def pushed(clone: Path) -> Callable[..., str]:
    def act(branch: str, files: Mapping[str, str], start: str = "origin/main") -> str:
        return push(clone, branch, files, start)

    return act
