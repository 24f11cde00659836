"""Faults on request: the same seed gives the same day again, each rule hits what it names, and the README's plans work."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

import localhub

REPO = "/repos/alice/sample"


def plan(hub: Any, *rules: dict[str, Any], seed: int = 0) -> None:
    hub.admin("/faults", {"seed": seed, "rules": list(rules)})


def state(hub: Any) -> dict[str, Any]:
    return dict(httpx.get(f"{hub.url}/_localhub/faults", trust_env=False).json())


def test_a_seed_is_a_day(hub: Any) -> None:
    bob = hub.client("bob")

    def day(seed: int, *, busy: bool = False) -> list[int]:
        rules = [
            {"kind": "error_before", "probability": 0.3, "path": "/labels$"},
            {"kind": "webhook_drop", "probability": 0.5},
        ]
        plan(hub, *rules, seed=seed)
        seen = []
        for number in range(40):
            seen.append(bob.get(f"{REPO}/labels").status_code)
            if busy and number % 5 == 0:  # deliveries and other requests throw dice of their own
                bob.post(f"{REPO}/issues", json={"title": "x"})
        return seen

    first = day(1)
    assert 5 < first.count(502) < 25
    assert day(1) == first
    assert day(1, busy=True) == first
    assert day(2) != first


def test_a_request_meets_one_end(hub: Any) -> None:
    bob = hub.client("bob")
    plan(
        hub, {"kind": "error_before", "status": 503, "times": 1}, {"kind": "error_after", "times": 1, "method": "POST"}
    )
    assert bob.post(f"{REPO}/issues", json={"title": "never"}).status_code == 503
    assert [each["left"] for each in state(hub)["rules"]] == [0, 1]
    assert bob.post(f"{REPO}/issues", json={"title": "made"}).status_code == 502
    assert state(hub)["hits"] == {"error_before": 1, "error_after": 1}
    assert [each["title"] for each in bob.get(f"{REPO}/issues").json()] == ["made"]


def test_which_requests(hub: Any) -> None:
    bob = hub.client("bob")
    plan(
        hub,
        {"kind": "error_before", "method": "P(OST|UT)", "path": "^/repos/alice/sample/issues$", "skip": 1, "times": 1},
    )
    assert bob.get(f"{REPO}/issues").status_code == 200
    assert [bob.post(f"{REPO}/issues", json={"title": "x"}).status_code for _ in range(3)] == [201, 502, 201]
    plan(hub, {"kind": "error_before", "path": "^/graphql$"})
    assert bob.post(f"{hub.url}/api/graphql", json={"query": "{ viewer { login } }"}).status_code == 200
    assert bob.post(f"{hub.url}/graphql", json={"query": "{ viewer { login } }"}).status_code == 502
    plan(hub, {"kind": "latency", "seconds": 0.3, "times": 1})
    took = [_seconds(bob, REPO) for _ in range(2)]
    assert took[0] >= 0.3 > took[1]
    assert httpx.delete(f"{hub.url}/_localhub/faults", trust_env=False).status_code == 204
    assert state(hub) == {"seed": 0, "rules": [], "hits": {}}


def _seconds(client: httpx.Client, path: str) -> float:
    started = time.monotonic()
    assert client.get(path).status_code == 200
    return time.monotonic() - started


@pytest.mark.parametrize(
    "rule",
    [{"kind": "gremlins"}, {"kind": "latency", "seconds": -1}, {"kind": "latency", "probability": 2}, {"kind": "error_after", "status": 200},
     {"kind": "latency", "path": "("}, {"kind": "latency", "pth": "x"}, {}],
)  # fmt: skip
def test_rules_that_make_no_sense(hub: Any, rule: dict[str, Any]) -> None:
    answer = httpx.post(f"{hub.url}/_localhub/faults", json={"rules": [rule]}, trust_env=False)
    assert answer.status_code == 422
    assert hub.client("bob").get(REPO).status_code == 200


def test_a_seed_that_no_answer_could_show(hub: Any) -> None:
    url = f"{hub.url}/_localhub/faults"
    assert httpx.post(url, json={"seed": 2**70}, trust_env=False).status_code == 422
    assert httpx.post(url, json={"seed": 2**63 - 1}, trust_env=False).json()["seed"] == 2**63 - 1


def test_which_webhooks(hub: Any) -> None:
    bob = hub.client("bob")
    plan(
        hub,
        {"kind": "webhook_drop", "event": r"issues\.opened"},
        {"kind": "webhook_repeat", "event": "issue_comment.*"},
    )
    bob.post(f"{REPO}/issues", json={"title": "x"})
    bob.post(f"{REPO}/issues/1/comments", json={"body": "x"})
    bob.patch(f"{REPO}/issues/1", json={"state": "closed"})
    hub.settle()
    assert [(each.event, each.action) for each in hub.hooks.deliveries] == [
        ("issue_comment", "created"), ("issue_comment", "created"), ("issues", "closed"),
    ]  # fmt: skip
    first, second = hub.hooks.find("issue_comment")
    assert first.guid == second.guid, "a repetition is the same delivery"


def test_pushes_meet_faults_too(hub: Any, tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
           **{f"GIT_{who}_{what}": "b@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}}  # fmt: skip

    def git(*args: str) -> int:
        return subprocess.run(
            ["git", *args], cwd=tmp_path, env=env, capture_output=True, timeout=60, check=False
        ).returncode

    assert git("clone", "-q", hub.git_url("alice/sample", hub.pat("bob")), ".") == 0
    (tmp_path / "new.txt").write_text("new")
    git("add", ".")
    git("commit", "-qm", "New")
    sha = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.strip()

    def branch(name: str) -> str | None:
        answer = hub.client("bob").get(f"{REPO}/git/ref/heads/{name}")
        return answer.json()["object"]["sha"] if answer.is_success else None

    for kind, lands in (("error_before", False), ("reset_before", False), ("error_after", True), ("reset_after", True)):
        plan(hub, {"kind": kind, "method": "POST", "path": "git-receive-pack$"})
        assert git("push", "origin", f"HEAD:{kind}") != 0
        plan(hub)
        assert branch(kind) == (sha if lands else None), kind
    hub.settle()
    assert sorted(each.payload["ref"] for each in hub.hooks.find("create")) == ["error_after", "reset_after"]


def test_a_mergeable_that_stays_unknown(hub: Any) -> None:
    bob = hub.client("bob")
    sha = bob.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    bob.post(f"{REPO}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
    bob.put(f"{REPO}/contents/x", json={"message": "x", "content": "eA==", "branch": "topic"})
    plan(hub, {"kind": "stale_mergeable", "times": 2})
    bob.post(f"{REPO}/pulls", json={"title": "x", "head": "topic", "base": "main"})
    hub.settle()
    assert bob.get(f"{REPO}/pulls/1").json()["mergeable"] is None
    hub.settle()
    assert bob.get(f"{REPO}/pulls/1").json()["mergeable"] is None, "asking has it computed once more, in vain"
    hub.settle()
    assert bob.get(f"{REPO}/pulls/1").json()["mergeable"] is True


def test_githubs_clock_may_differ(hub: Any) -> None:
    bob = hub.client("bob")
    hub.admin("/clock", {"advance": 5000})
    end = time.monotonic() + 5
    while time.monotonic() < end:
        skew = parsedate_to_datetime(bob.get(f"{REPO}/labels").headers["Date"]).timestamp() - time.time()
        if abs(skew - 5000) < 3:
            break
    assert abs(skew - 5000) < 3
    hub.admin("/clock", {"set": "2031-01-01T00:00:00Z", "freeze": True})
    bob.post(f"{REPO}/issues", json={"title": "x"})
    assert bob.get(f"{REPO}/issues/1").json()["created_at"] == "2031-01-01T00:00:00Z"
    for wrong in ({"set": "tomorrow"}, {"advance": "x"}, {"forward": 1}, {"advance": 1e300}):
        assert httpx.post(f"{hub.url}/_localhub/clock", json=wrong, trust_env=False).status_code == 422


def test_the_readmes_plans(hub: Any) -> None:
    text = (Path(localhub.__file__).parent / "README.md").read_text()
    plans = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]
    assert len(plans) >= 3
    for each in plans:
        hub.admin("/faults", each)
        assert [rule["kind"] for rule in state(hub)["rules"]] == [rule["kind"] for rule in each["rules"]]
    hub.admin("/faults", plans[0])
    bob = hub.client("bob")
    answers = [bob.post(f"{REPO}/issues", json={"title": "x"}).status_code for _ in range(3)]
    assert answers == [502, 502, 201]
    assert len(bob.get(f"{REPO}/issues").json()) == 3


def test_pages_of_other_sites_cannot_reach_what_asks_for_no_credentials(hub: Any) -> None:
    url = f"{hub.url}/_localhub/clock"
    foreign = httpx.post(url, json={"advance": 60}, headers={"Origin": "https://evil.example"}, trust_env=False)
    assert foreign.status_code == 403
    assert "another site" in foreign.json()["message"]
    assert httpx.post(url, json={"advance": 0}, headers={"Origin": hub.url}, trust_env=False).is_success
