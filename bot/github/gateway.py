"""The one door to GitHub: a gateway for each repository, and the few requests that the app makes as itself."""

from __future__ import annotations

import base64
import re
import threading
import time
from collections.abc import Callable
from typing import Any

from bot.github.api import Api, read
from bot.github.checks import Checks
from bot.github.errors import NotFound, Refused
from bot.github.issues import Issues
from bot.github.pulls import Pulls
from bot.github.quota import Quota
from bot.github.tokens import Tokens
from bot.github.transport import Wire, decode
from bot.github.values import AppInfo, Delivery, InstallationInfo, Repository, User
from planner.model import Person

DELIVERY_PAGES = 20
NEXT = re.compile(r'<([^>]+)>; *rel="next"')
_PERMISSIONS = ("none", "read", "triage", "write", "maintain", "admin")


class Gateway:
    """One repository of one installation."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.issues = Issues(api)
        self.pulls = Pulls(api)
        self.checks = Checks(api)

    def repository(self) -> Repository:
        return self._api.get(Repository, "")

    def branch_sha(self, branch: str) -> str | None:
        """The head of a branch, None when it does not exist."""
        try:
            data = decode(self._api.call("GET", f"/git/ref/heads/{branch}")[2])
        except NotFound:
            return None
        return str(data["object"]["sha"])

    def create_branch(self, branch: str, sha: str) -> str:
        """Its head; that of the one that is there when somebody was quicker."""
        try:
            self._api.call("POST", "/git/refs", None, {"ref": f"refs/heads/{branch}", "sha": sha})
        except Refused:
            if (there := self.branch_sha(branch)) is None:
                raise
            return there
        return sha

    def file(self, path: str, ref: str) -> str | None:
        """The text of a file at `ref`, None when it is not there."""
        try:
            data = decode(self._api.call("GET", f"/contents/{path}", {"ref": ref})[2])
        except NotFound:
            return None
        if not isinstance(data, dict) or data.get("encoding") != "base64":
            return None
        return base64.b64decode(data["content"]).decode("utf-8", "replace")

    def person(self, login: str) -> Person:
        """Someone with the permission they have now; `none` for strangers and for apps."""
        try:
            data = decode(self._api.call("GET", f"/collaborators/{login}/permission")[2])
        except NotFound:
            user = self.user(login)
            return Person(login=login, id=user.id if user else 0)
        user = read(User, data["user"])
        role = data.get("role_name") if data.get("role_name") in _PERMISSIONS else data.get("permission")
        permission = role if role in _PERMISSIONS else "none"
        return Person.model_validate({"login": user.login, "id": user.id, "permission": permission})

    def user(self, login: str) -> User | None:
        try:
            return self._api.get(User, f"//users/{login}")
        except NotFound:
            return None


class Gateways:
    """Every gateway of the app. One wire, one set of tokens, one quota an installation."""

    def __init__(
        self,
        app_id: int,
        private_key: str,
        api_url: str = "https://api.github.com",
        clock: Callable[[], float] = time.time,
        created: Callable[[int], tuple[float, ...]] = lambda installation: (),
        on_request: Callable[[int], None] = lambda installation: None,
        on_create: Callable[[int], None] = lambda installation: None,
        verify: bool | str = True,
    ) -> None:
        """`created`: times of what an installation created in the last hour, so that a restart forgets nothing."""
        self._wire = Wire(api_url.rstrip("/"), verify)
        self.tokens = Tokens(self._wire, app_id, private_key, clock)
        self._clock = clock
        self._created = created
        self._on_request = on_request
        self._on_create = on_create
        self._lock = threading.Lock()
        self._quotas: dict[int, Quota] = {}
        self._gateways: dict[tuple[int, str], Gateway] = {}
        self._app: AppInfo | None = None

    def of(self, installation: int, repo: str) -> Gateway:
        """The gateway of `owner/name`; kept, since it remembers node ids."""
        quota = self._quota(installation)
        with self._lock:
            if (installation, repo) not in self._gateways:
                api = Api(self._wire, self.tokens, quota, installation, repo)
                self._gateways[installation, repo] = Gateway(api)
            return self._gateways[installation, repo]

    def git_token(self, installation: int, repo: str, *, write: bool) -> str:
        """A token for git over HTTPS, for this repository and nothing but its contents."""
        return self.tokens.of(installation, repo, {"contents": "write" if write else "read"})

    def app(self) -> AppInfo:
        """Who we are; asked once."""
        if self._app is None:
            self._app = AppInfo.model_validate(self._as_app("GET", "/app"))
        return self._app

    def installations(self) -> tuple[InstallationInfo, ...]:
        return tuple(read(InstallationInfo, item) for item in self._as_app("GET", "/app/installations?per_page=100"))

    def repositories(self, installation: int) -> tuple[Repository, ...]:
        """The repositories that an installation covers."""
        api = Api(self._wire, self.tokens, self._quota(installation), installation, "")
        return api.list(Repository, "//installation/repositories", key="repositories")

    def deliveries(self, seen: int = 0) -> tuple[Delivery, ...]:
        """The app's webhooks as GitHub kept them, newest first, in whole pages back to the one of id `seen`."""
        found: list[Delivery] = []
        path = "/app/hook/deliveries?per_page=100"
        for _ in range(DELIVERY_PAGES):
            _, headers, text = self._wire.send(self.tokens.app(), self.tokens.app_quota, "GET", path)
            found += [read(Delivery, item) for item in decode(text)]
            following = NEXT.search(str(headers.get("link", "")))
            if following is None or not found or found[-1].id <= seen:
                break
            path = following[1]
        return tuple(found)

    def redeliver(self, delivery: int) -> None:
        self._as_app("POST", f"/app/hook/deliveries/{delivery}/attempts")

    def close(self) -> None:
        self._wire.close()

    def _as_app(self, verb: str, path: str) -> Any:
        text = self._wire.send(self.tokens.app(), self.tokens.app_quota, verb, path)[2]
        return decode(text)

    def _quota(self, installation: int) -> Quota:
        with self._lock:
            if installation not in self._quotas:
                self._quotas[installation] = Quota(
                    self._clock,
                    self._created(installation),
                    lambda: self._on_request(installation),
                    lambda: self._on_create(installation),
                )
            return self._quotas[installation]
