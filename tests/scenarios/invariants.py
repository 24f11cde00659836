"""What must hold of a repository when a run has come to rest, whatever happened in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from github import Auth

from bot import markers
from bot.demo import repository
from bot.demo.hub import Hub
from bot.demo.stage import Stage

NOTHING = "0" * 40


@dataclass
class Invariants:
    """Asserts about one repository on a stage."""

    stage: Stage
    hub: Hub
    repo_id: int
    folder: Path
    """where a copy of the repository may stand"""

    # ── looking ──

    def trees(self) -> list[dict[str, Any]]:
        """The bot's trees in this repository."""
        return [tree for tree in self.stage.status().get("trees", []) if tree["repo"] == self.hub.repository]

    def busy(self) -> dict[str, int]:
        """What the bot has still to do; a bot that does not answer has."""
        counts = self.stage.status().get("counts")
        if not counts:
            return {"silent": 1}
        left = {s: n for s in ("pending", "started", "held") if (n := counts["actions"].get(s, 0))}
        return left | ({"unread": counts["unconsumed"]} if counts["unconsumed"] else {})

    def bare(self) -> Path:
        """A copy of everything in the repository as it is now."""
        folder = self.folder / "look.git"
        address = self.stage.hub_url.removeprefix("http://")
        url = f"http://{self.stage.cast.person}:{self.stage.token}@{address}/{self.hub.repository}.git"
        if not folder.exists():
            repository.git(self.folder, "clone", "-q", "--mirror", url, str(folder))
        repository.git(folder, "fetch", "-q", "--prune", "origin", "+refs/*:refs/*")
        return folder

    # ── what must hold ──

    def silence(self, *, troubles: bool = False) -> None:
        """Nothing waits, nothing failed (but where `troubles` are expected), nothing is left on the machine."""
        assert self.busy() == {}
        if not troubles:
            assert self.stage.status()["troubles"] == {"poisoned": [], "failed": []}
        data = self.stage.folder / "bot" / "workspaces"
        left = [str(path) for folder in ("attempts", "scratch", "slots") for path in (data / folder).iterdir()]
        assert not left, f"workspaces are left: {left}"
        running = sandboxes(data)
        assert not running, f"sandboxed processes are left: {running}"

    def tested(self) -> None:
        """Invariant 4: slices and the target only moved forward, to commits whose very tree had been green."""
        moves = [move for move in self.moves() if move[0] == "main" or move[0].endswith("/slice")]
        green = {run["head_sha"] for run in self.hub.pages("/actions/runs") if run["conclusion"] == "success"}
        proven = {self._commit(sha)["tree"]["sha"] for sha in green}
        for branch, before, after in moves:
            assert self._commit(after)["tree"]["sha"] in proven, f"{branch} moved to {after}, which was not tested"
            compared = self.hub.get(f"/compare/{before}...{after}")
            assert compared["status"] == "ahead", f"{branch} did not move forward from {before} to {after}"

    def moves(self) -> list[tuple[str, str, str]]:
        """(branch, before, after) of each push to a branch that was there, as the webhooks told it."""
        found = []
        for one in self.deliveries("push"):
            payload = self.as_app(f"/app/hook/deliveries/{one['id']}")["request"]["payload"]
            move = (payload["ref"].removeprefix("refs/heads/"), payload["before"], payload["after"])
            if NOTHING not in move and move not in found:
                found.append(move)
        return found

    def deliveries(self, event: str) -> list[dict[str, Any]]:
        """What the app's webhook was told of this repository."""
        found, path = [], "/app/hook/deliveries?per_page=100"
        while path:
            answer = self._as_app(path)
            found += [d for d in answer.json() if d["event"] == event and d["repository_id"] == self.repo_id]
            path = answer.links.get("next", {}).get("url", "")
        return found

    def as_app(self, path: str) -> Any:
        """A request as the app itself."""
        return self._as_app(path).json()

    def _as_app(self, path: str) -> httpx.Response:
        auth = Auth.AppAuth(1, (self.stage.folder / "app.pem").read_text())
        url = path if path.startswith("http") else self.stage.api + path
        answer = httpx.get(url, headers={"Authorization": f"Bearer {auth.token}"}, timeout=10)
        assert answer.is_success, answer.text
        return answer

    def _commit(self, sha: str) -> dict[str, Any]:
        return dict(self.hub.get(f"/git/commits/{sha}"))

    def few_comments(self, roots: int, previews: int) -> None:
        """Invariant 10: a preview and an end for a tree, a status for each planner, an answer to who asked."""
        written, people = Counter[str](), 0
        for comment in self.hub.pages("/issues/comments"):
            if comment["user"]["type"] == "Bot":
                mark = markers.find(comment["body"], [self.stage.signing_key], self.repo_id)
                assert mark is not None, f"a comment of the bot without its marker: {comment['body']}"
                written[mark.kind] += 1
            else:
                people += 1
        planners = sum(node["kind"] == "planner" for tree in self.trees() for node in tree["nodes"])
        assert written["status"] <= planners, written
        assert written["preview"] <= previews, written
        assert written["say"] + written["redirect"] <= roots + people, written
        assert not set(written) - {"status", "preview", "say", "redirect"}, written


def sandboxes(folder: Path) -> list[str]:
    """Processes of bubblewrap that work on something below a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        if "bwrap" in command.split("\0")[0] and str(folder) in command:
            found.append(command.replace("\0", " ")[:300])
    return found
