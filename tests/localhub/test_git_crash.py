"""What a client was told stays true after `kill -9`, and its events are still delivered."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import github
import httpx

SAMPLE = "/repos/alice/sample"


def start(data: Path, seed: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "localhub", "--data", str(data), "--seed", str(seed)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().split()[-1]


def test_acknowledged_moves_survive_a_kill(hub: Any, key_pem: str, tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    app = {
        "id": 7, "slug": "robot", "owner": "alice", "private_key_pem": key_pem, "webhook_url": hub.hooks.url,
        "webhook_secret": "a webhook secret", "permissions": {"contents": "write", "metadata": "read"}, "events": ["push"],
    }  # fmt: skip
    plan = {
        "users": [{"login": "alice", "token": "ghp_alice"}],
        "repositories": [{"full_name": "alice/sample"}],
        "apps": [app],
        "installations": [{"app": "robot", "account": "alice"}],
    }
    seed.write_text(json.dumps(plan))
    process, url = start(tmp_path / "data", seed)
    told: list[str] = []

    def create_until_it_dies() -> None:
        with httpx.Client(base_url=url, headers={"Authorization": "token ghp_alice"}, trust_env=False) as client:
            sha = client.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
            for number in range(1000):
                ref = f"refs/heads/b{number}"
                try:
                    answer = client.post(f"{SAMPLE}/git/refs", json={"ref": ref, "sha": sha})
                except httpx.TransportError:
                    return
                assert answer.status_code == 201
                told.append(ref)
                if number == 12:
                    enough.set()

    enough = threading.Event()
    worker = threading.Thread(target=create_until_it_dies)
    worker.start()
    assert enough.wait(30)
    process.kill()
    process.communicate()
    worker.join()
    process, url = start(tmp_path / "data", seed)
    try:
        with httpx.Client(base_url=url, headers={"Authorization": "token ghp_alice"}, trust_env=False) as client:
            found = {each["ref"] for each in client.get(f"{SAMPLE}/git/matching-refs/heads?per_page=100").json()}
            assert set(told) <= found
            seen = hub.hooks.find("push")
            while not set(told) <= {delivery.payload["ref"] for delivery in seen}:
                hub.hooks.wait("push", count=len(seen) + 1)  # one that was under way comes twice
                seen = hub.hooks.find("push")
    finally:
        process.terminate()
        process.communicate()


def test_pygithub_proposes_reviews_and_merges(hub: Any) -> None:
    def login(who: str) -> github.Github:
        return github.Github(
            auth=github.Auth.Token(hub.pat(who)),
            base_url=f"{hub.url}/api/v3",
            seconds_between_requests=0,
            seconds_between_writes=0,
        )

    with login("alice") as alice, login("bob") as bob:
        repo = alice.get_repo("alice/sample")
        repo.create_git_ref("refs/heads/topic", repo.get_branch("main").commit.sha)
        made = repo.create_file("a.txt", "Add a", "one\ntwo\n", branch="topic")
        pull = repo.create_pull(base="main", head="topic", title="Bring a", body="b", draft=False)
        assert [file.filename for file in pull.get_files()] == ["a.txt"]
        theirs = bob.get_repo("alice/sample").get_pull(pull.number)
        theirs.create_review(
            event="REQUEST_CHANGES", body="No", comments=[{"path": "a.txt", "position": 1, "body": "?"}]
        )
        assert [comment.line for comment in pull.get_review_comments()] == [1]
        pull.create_review_comment_reply(next(iter(pull.get_review_comments())).id, "Yes")
        theirs.create_review(event="APPROVE")
        assert [review.state for review in pull.get_reviews()][-1] == "APPROVED"
        done = pull.merge(merge_method="squash", sha=made["commit"].sha)
        assert repo.get_branch("main").commit.sha == done.sha
        assert repo.get_pull(pull.number).is_merged()
        assert [each.number for each in repo.get_pulls(state="closed", head="alice:topic")] == [pull.number]
