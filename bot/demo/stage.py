"""The stage of a run: localhub, a model server and the bot as child processes, told of each other by URL alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from bot.demo.children import START_S, Child, ChildDied

SLUG = "branchwork"
PERMISSIONS = {
    "actions": "write", "checks": "read", "contents": "write", "issues": "write", "members": "read",
    "metadata": "read", "pull_requests": "write", "statuses": "read",
}  # fmt: skip
EVENTS = [
    "check_run", "check_suite", "issue_comment", "issue_dependencies", "issues", "merge_group", "pull_request",
    "pull_request_review", "pull_request_review_comment", "pull_request_review_thread", "push", "repository",
    "status", "sub_issues", "workflow_run",
]  # fmt: skip
KEEP_ENV = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "COLUMNS", "VIRTUAL_ENV", "SSL_CERT_FILE", "PYTHONPATH")


@dataclass(frozen=True)
class ModelChoice:
    """Which model the bot talks to. `base` and `target` set: the replay server is started for them."""

    key: str = "replay"
    base_url: str | None = None
    name: str = "replay"
    base: Path | None = None
    target: Path | None = None
    script: Path | None = None


@dataclass(frozen=True)
class Cast:
    """Who and what the stage is set with."""

    person: str
    repository: str
    """name without owner"""
    source: Path
    """a git repository whose branches are copied"""
    model: ModelChoice
    workers: int = 4
    port: int = 0
    toolchain: Path | None = None
    settings: Mapping[str, str] | None = None
    """more environment variables of the bot"""


class Stage:
    """Use as a context: everything runs inside, everything is gone afterwards, save the folder when it is kept."""

    def __init__(self, cast: Cast, folder: Path | None = None, *, keep: bool = False) -> None:
        self.cast, self.keep = cast, keep
        self._own = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="branchwork-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)  # sandboxes run under another uid and must find their workspaces
        self.token = f"ghp_{secrets.token_hex(18)}"
        self.signing_key = secrets.token_hex(32)
        self._secret = secrets.token_hex(32)
        self.children: list[Child] = []
        self.hub_url = self.model_url = self.bot_url = ""
        self.repo_id = 0

    @property
    def full_name(self) -> str:
        return f"{self.cast.person}/{self.cast.repository}"

    @property
    def api(self) -> str:
        return f"{self.hub_url}/api/v3"

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, the bot first, so that it does not see the others go."""
        for child in reversed(self.children):
            child.stop()
        self.children.clear()
        if self._own and not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check(self) -> None:
        """Raises `ChildDied` as soon as one of the processes is gone."""
        for child in self.children:
            child.check()

    def status(self) -> dict[str, Any]:
        """The bot's own summary of its trees; empty while it does not answer."""
        with contextlib.suppress(httpx.HTTPError):
            answer = httpx.get(f"{self.bot_url}/status.json", timeout=10)
            if answer.status_code == 200:
                return dict(answer.json())
        return {}

    def stats(self) -> dict[str, Any]:
        """What localhub counted."""
        return dict(httpx.get(f"{self.hub_url}/_localhub/stats", timeout=10).json())

    def quiet(self) -> bool:
        """Whether localhub has no delivery, job or mergeability pending."""
        return bool(httpx.get(f"{self.hub_url}/_localhub/quiet", timeout=10).json()["quiet"])

    def _start(self) -> None:
        self.hub_url = self._child("localhub", self._hub_command()).address()
        self._seed(webhook=None)
        if self.cast.model.base is not None:
            self.model_url = self._child("model", self._model_command()).address()
        self.start_bot()
        self._seed(webhook=f"{self.bot_url}/webhook")

    def start_bot(self, port: int = 0) -> Child:
        """Start `branchwork serve`, and wait until it is well."""
        command = [sys.executable, "-m", "bot.cli", "serve"]
        child = self._child("bot", command, {**child_environment(), **self.bot_environment(port)})
        self.bot_url = child.address()
        self._well(child)
        return child

    def bot_environment(self, port: int = 0) -> dict[str, str]:
        """The Settings that make the bot work here: nothing else differs from github.com."""
        model = self.cast.model
        base_url = f"{self.model_url}/v1" if self.model_url else model.base_url
        found = {
            "BRANCHWORK_APP_ID": "1",
            "BRANCHWORK_PRIVATE_KEY_FILE": str(self.folder / "app.pem"),
            "BRANCHWORK_WEBHOOK_SECRET": self._secret,
            "BRANCHWORK_SECRET_KEY": self.signing_key,
            "BRANCHWORK_DATA_DIR": str(self.folder / "bot"),
            "BRANCHWORK_PORT": str(port),
            "BRANCHWORK_WORKERS": str(self.cast.workers),
            "BRANCHWORK_LOG_FORMAT": "json",
            "GITHUB_API_URL": self.api,
            "OPENAI_API_KEY": model.key,
        }
        if model.name:
            found["BRANCHWORK_MODEL"] = model.name
        if base_url:
            found["OPENAI_BASE_URL"] = base_url
        if self.model_url:  # a replay costs nothing, and says so
            found |= {"BRANCHWORK_MODEL_INPUT_PRICE": "0", "BRANCHWORK_MODEL_OUTPUT_PRICE": "0"}
        if self.cast.toolchain:
            found["BRANCHWORK_TOOLCHAIN"] = str(self.cast.toolchain)
        return found | dict(self.cast.settings or {})

    def _hub_command(self) -> list[str]:
        command = [sys.executable, "-m", "localhub", "--data", str(self.folder / "localhub")]
        command += ["--port", str(self.cast.port)]
        return [*command, "--toolchain", str(self.cast.toolchain)] if self.cast.toolchain else command

    def _model_command(self) -> list[str]:
        model = self.cast.model
        command = [sys.executable, "-m", "bot.demo.model_server", "--base", str(model.base)]
        command += ["--target", str(model.target)]
        return [*command, "--script", str(model.script)] if model.script else command

    def _child(self, name: str, command: list[str], env: Mapping[str, str] | None = None) -> Child:
        child = Child(name, command, self.folder / f"{name}.log", env or child_environment())
        self.children.append(child)
        return child

    def _well(self, child: Child) -> None:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.bot_url}/healthz", timeout=5).status_code == 200:
                    return
            child.check()
            time.sleep(0.05)
        raise ChildDied(f"the bot did not get well within {START_S:.0f} s:\n{child.tail()}")

    def _seed(self, webhook: str | None) -> None:
        """Person, repository, app and installation; a second time with the bot's address."""
        pem = self.folder / "app.pem"
        if not pem.exists():
            pem.touch(mode=0o600)
            pem.write_text(private_key())
        person = self.cast.person
        seed = {
            "users": [{"login": person, "name": person.title(), "email": f"{person}@example.org", "token": self.token}],
            "repositories": [{"full_name": self.full_name, "source": str(self.cast.source), "auto_init": False}],
            "apps": [{"id": 1, "slug": SLUG, "name": "Branchwork", "owner": person, "private_key_pem": pem.read_text(),
                      "webhook_url": webhook, "webhook_secret": self._secret, "permissions": PERMISSIONS,
                      "events": EVENTS}],
            "installations": [{"app": SLUG, "account": person}],
        }  # fmt: skip
        answer = httpx.post(f"{self.hub_url}/_localhub/seed", json=seed, timeout=30)
        if answer.status_code != 201:
            raise ChildDied(f"localhub did not take the seed: {answer.text[:2000]}")
        self.repo_id = int(answer.json()["repositories"][self.full_name])


def private_key() -> str:
    """A fresh RSA key for the app, as PEM."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def child_environment() -> dict[str, str]:
    """What children get of ours: nothing that could carry a secret or a setting."""
    return {name: os.environ[name] for name in KEEP_ENV if name in os.environ}


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for what a run prepares; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="branchwork-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
