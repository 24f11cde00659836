"""Many at once: merges, pushes, updates of branches and talk in three repositories, and everything fits afterwards."""

from __future__ import annotations

import base64
import random
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

REPOS = ("sample", "other", "open")
THREADS, STEPS = 8, 60
FINE = {200, 201, 202, 204, 404, 405, 409, 422}


def test_a_repositorys_lock_is_not_taken_inside_a_transaction(hub: Any) -> None:
    inner = hub.hub
    with inner.repo_locks.of(1), inner.tx(), inner.repo_locks.of(1):
        pass
    with inner.tx(), pytest.raises(RuntimeError, match="before the transaction"), inner.repo_locks.of(1):
        pass
    with inner.repo_locks.of(1):
        pass


def at_once(world: Any, ask: Callable[[httpx.Client], httpx.Response]) -> list[int]:
    """Eight ask the same at the same moment; the statuses."""
    clients = [world.client("alice") for _ in range(THREADS)]
    for client in clients:
        client.get("/rate_limit")  # connected
    gate, statuses = threading.Barrier(THREADS), []

    def run(client: httpx.Client) -> None:
        gate.wait()
        statuses.append(ask(client).status_code)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(statuses) == THREADS
    return statuses


def test_the_same_asked_eight_times_at_once_happens_once(hub: Any) -> None:
    hub.admin("/limits", {"enforced": False})
    root = "/repos/alice/sample"
    with hub.client("alice") as alice, hub.client("bob") as bob:
        sha = alice.get(f"{root}/git/ref/heads/main").json()["object"]["sha"]
        one, two = (alice.post(f"{root}/issues", json={"title": "An issue"}).json() for _ in range(2))
        alice.post(f"{root}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        alice.put(f"{root}/contents/a.txt", json={"message": "a", "content": "YQ==", "branch": "topic"})
        pull = alice.post(f"{root}/pulls", json={"title": "P", "head": "topic", "base": "main"}).json()
        review = bob.post(f"{root}/pulls/3/reviews", json={"event": "APPROVE"}).json()["id"]

    def mutation(name: str) -> Callable[[httpx.Client], httpx.Response]:
        text = f'mutation {{ {name}(input: {{pullRequestId: "{pull["node_id"]}"}}) {{ clientMutationId }} }}'
        return lambda client: client.post("/graphql", json={"query": text})

    def call(method: str, path: str, **body: Any) -> Callable[[httpx.Client], httpx.Response]:
        return lambda client: client.request(method, root + path, json=body or None)

    asked: list[tuple[Callable[[httpx.Client], httpx.Response], str, str | None]] = [
        (call("PATCH", "/issues/1", state="closed"), "issues", "closed"),
        (call("PATCH", "/issues/1", state="open"), "issues", "reopened"),
        (call("PATCH", "/issues/1", title="New"), "issues", "edited"),
        (call("PUT", "/issues/1/lock"), "issues", "locked"),
        (call("POST", "/issues/1/labels", labels=["bug"]), "issues", "labeled"),
        (call("PUT", "/issues/2/labels", labels=["question"]), "issues", "labeled"),
        (call("DELETE", "/issues/1/labels/bug"), "issues", "unlabeled"),
        (call("POST", "/issues/1/assignees", assignees=["bob"]), "issues", "assigned"),
        (call("POST", "/issues/1/sub_issues", sub_issue_id=two["id"]), "sub_issues", "sub_issue_added"),
        (call("DELETE", "/issues/1/sub_issue", sub_issue_id=two["id"]), "sub_issues", "sub_issue_removed"),
        (call("POST", "/issues/2/dependencies/blocked_by", issue_id=one["id"]), "issue_dependencies", "blocked_by_added"),
        (call("POST", "/pulls/3/requested_reviewers", reviewers=["bob"]), "pull_request", "review_requested"),
        (call("PUT", f"/pulls/3/reviews/{review}/dismissals", message="No"), "pull_request_review", "dismissed"),
        (mutation("convertPullRequestToDraft"), "pull_request", "converted_to_draft"),
        (mutation("markPullRequestReadyForReview"), "pull_request", "ready_for_review"),
        (call("PATCH", "/pulls/3", title="Q"), "pull_request", "edited"),
        (call("PATCH", "/pulls/3", state="closed"), "pull_request", "closed"),
        (call("PATCH", "/pulls/3", state="open"), "pull_request", "reopened"),
        (call("POST", "/git/refs", ref="refs/heads/other", sha=sha), "create", None),
        (call("DELETE", "/git/refs/heads/other"), "delete", None),
        (call("PUT", "/pulls/3/merge"), "pull_request", "closed"),
        (call("POST", "/labels", name="fresh"), "label", "created"),
    ]  # fmt: skip
    wrong = []
    for ask, event, action in asked:
        hub.hooks.clear()
        statuses = at_once(hub, ask)
        hub.settle()
        news = [(each.event, each.action) for each in hub.hooks.deliveries]
        if news.count((event, action)) != 1 or max(statuses) >= 500:
            wrong.append(f"{event}.{action}: {sorted(statuses)} told {news.count((event, action))} times")
    assert not wrong, "\n".join(wrong)


class Worker(threading.Thread):
    """Does random things until it has done enough; keeps the first thing that went wrong."""

    def __init__(self, number: int, world: Any, folder: Path) -> None:
        super().__init__(name=f"worker {number}")
        self.dice = random.Random(number)
        self.client: httpx.Client = world.client("alice")
        self.client.timeout = httpx.Timeout(60)
        self.world, self.folder, self.number = world, folder, number
        self.made = 0
        self.done: Counter[str] = Counter()
        self.wrong: BaseException | None = None

    def run(self) -> None:
        try:
            for _ in range(STEPS):
                what = self.dice.choice([self.propose, self.propose, self.merge, self.merge, self.commit, self.update,
                                         self.talk, self.close, self.push, self.remove])  # fmt: skip
                what(f"/repos/alice/{self.dice.choice(REPOS)}")
                self.done[what.__name__] += 1
        except BaseException as error:
            self.wrong = error
            raise

    def ask(self, method: str, path: str, **body: Any) -> Any:
        answer = self.client.request(method, path, json=body or None)
        assert answer.status_code in FINE, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def write(self, root: str, branch: str) -> None:
        """A new file, or one that others write too and that may conflict."""
        self.made += 1
        path = self.dice.choice([f"{self.number}-{self.made}.txt", f"shared-{self.dice.randrange(4)}.txt"])
        body = {"message": f"Write {self.number}-{self.made}", "branch": branch}
        there = self.client.get(f"{root}/contents/{path}", params={"ref": branch})
        if there.status_code == 200:
            body["sha"] = there.json()["sha"]
        content = base64.b64encode(f"{self.number} {self.made}\n".encode()).decode()
        self.ask("PUT", f"{root}/contents/{path}", content=content, **body)

    def propose(self, root: str) -> None:
        self.made += 1
        branch = f"topic-{self.number}-{self.made}"
        head = self.ask("GET", f"{root}/git/ref/heads/main")["object"]["sha"]
        self.ask("POST", f"{root}/git/refs", ref=f"refs/heads/{branch}", sha=head)
        self.write(root, branch)
        self.ask("POST", f"{root}/pulls", title=branch, head=branch, base="main")

    def some_pull(self, root: str) -> dict[str, Any] | None:
        found = self.client.get(f"{root}/pulls", params={"per_page": 100}).json()
        return self.dice.choice(found) if found else None

    def merge(self, root: str) -> None:
        pull = self.some_pull(root)
        if pull is not None:
            method = self.dice.choice(["merge", "squash", "rebase"])
            self.ask("PUT", f"{root}/pulls/{pull['number']}/merge", merge_method=method, sha=pull["head"]["sha"])

    def update(self, root: str) -> None:
        pull = self.some_pull(root)
        if pull is not None:
            self.ask("PUT", f"{root}/pulls/{pull['number']}/update-branch")

    def commit(self, root: str) -> None:
        pull = self.some_pull(root)
        self.write(root, pull["head"]["ref"] if pull is not None else "main")

    def talk(self, root: str) -> None:
        pull = self.some_pull(root)
        if pull is not None:
            self.ask("POST", f"{root}/issues/{pull['number']}/comments", body="Words")
            self.ask("POST", f"{root}/issues/{pull['number']}/labels", labels=["bug"])
        self.ask("POST", f"{root}/issues", title="An issue")

    def close(self, root: str) -> None:
        pull = self.some_pull(root)
        if pull is not None:
            self.ask("PATCH", f"{root}/pulls/{pull['number']}", state="closed")
            if self.dice.random() < 0.6:
                self.ask("PATCH", f"{root}/pulls/{pull['number']}", state="open")

    def remove(self, root: str) -> None:
        pull = self.some_pull(root)
        if pull is not None:
            self.ask("DELETE", f"{root}/git/refs/heads/{pull['head']['ref']}")

    def push(self, root: str) -> None:
        """With git itself: a commit on top of what main was a moment ago, which may be too late."""
        url = self.world.git_url(root.removeprefix("/repos/"), self.world.pat("alice"))
        clone = self.folder / f"{self.number}-{root.rsplit('/', 1)[1]}"
        if not clone.exists():
            self.git(".", "clone", "--quiet", url, str(clone))
        self.git(clone, "fetch", "--quiet", "origin", "main")
        self.made += 1
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        tree = self.git(clone, "rev-parse", "FETCH_HEAD^{tree}").strip()
        words = f"Push {self.number}-{self.made}"
        made = self.git(clone, *who, "commit-tree", tree, "-p", "FETCH_HEAD", "-m", words).strip()
        self.git(clone, "push", "--quiet", "origin", f"{made}:refs/heads/main", fine=(0, 1))

    def git(self, where: Path | str, *args: str, fine: tuple[int, ...] = (0,)) -> str:
        done = subprocess.run(["git", "-C", str(where), *args], capture_output=True, text=True, timeout=120)
        assert done.returncode in fine, f"git {args}: {done.stderr}"
        return done.stdout


@pytest.mark.slow
def test_eight_at_once_leave_three_repositories_consistent(hub: Any, tmp_path: Path) -> None:
    hub.admin("/limits", {"enforced": False})
    hub.admin(f"/installations/{hub.installation_id}", {"action": "repositories", "add": ["alice/other", "alice/open"]})
    with hub.client("alice") as alice:
        for name in REPOS:
            body = {"message": "Begin", "content": base64.b64encode(b"one\n").decode()}
            assert alice.put(f"/repos/alice/{name}/contents/begin.txt", json=body).status_code == 201
        workers = [Worker(number, hub, tmp_path) for number in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(600)
        assert [worker.wrong for worker in workers] == [None] * THREADS
        assert not any(worker.is_alive() for worker in workers)
        hub.settle(120)
        for name in REPOS:
            check(alice, hub, name)
    assert sum(sum(worker.done.values()) for worker in workers) == THREADS * STEPS


def pages(client: httpx.Client, path: str, **query: Any) -> list[Any]:
    items: list[Any] = []
    answer = client.get(path, params={"per_page": 100, **query})
    while True:
        items += answer.json()
        if "next" not in answer.links:
            return items
        answer = client.get(answer.links["next"]["url"])


def check(client: httpx.Client, hub: Any, name: str) -> None:
    """Numbers, counts, heads, bases and webhooks agree with each other and with git."""
    root = f"/repos/alice/{name}"
    issues = pages(client, f"{root}/issues", state="all", direction="asc")
    assert [each["number"] for each in issues] == list(range(1, len(issues) + 1))
    assert client.get(root).json()["open_issues_count"] == sum(each["state"] == "open" for each in issues)
    heads = {each["name"]: each["commit"]["sha"] for each in pages(client, f"{root}/branches")}
    told = [each.payload for each in hub.hooks.deliveries if each.payload.get("repository", {}).get("name") == name]
    for pull in pages(client, f"{root}/pulls", state="all"):
        check_pull(client, hub, f"{root}/pulls/{pull['number']}", heads, told)
    pushed = [each for each in told if each.get("ref") == "refs/heads/main" and "before" in each]
    for one, other in pairwise(pushed):
        assert one["after"] == other["before"], "pushes are told in the order in which they happened"
    assert pushed[-1]["after"] == heads["main"]


def check_pull(client: httpx.Client, hub: Any, url: str, heads: dict[str, str], told: list[Any]) -> None:
    pull = client.get(url).json()
    news = [each["action"] for each in told if each.get("number") == pull["number"] and "pull_request" in each]
    assert news.count("opened") == 1
    assert news.count("closed") - news.count("reopened") == (pull["state"] == "closed"), news
    comments = client.get(url.replace("/pulls/", "/issues/") + "/comments", params={"per_page": 100}).json()
    assert pull["comments"] == len(comments)
    assert len(client.get(f"{url}/commits", params={"per_page": 100}).json()) == pull["commits"]
    if pull["state"] == "open":
        assert pull["head"]["sha"] == heads[pull["head"]["ref"]]
        assert pull["base"]["sha"] == heads["main"]
        hub.settle(60)  # asking began the trial of its merge
        assert client.get(url).json()["mergeable"] is not None
    if pull["merged"]:
        compared = client.get(f"{url.split('/pulls/')[0]}/compare/main...{pull['merge_commit_sha']}").json()
        assert compared["ahead_by"] == 0, "what it was merged as is in main"
