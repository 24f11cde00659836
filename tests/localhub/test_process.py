"""`python -m localhub` as a process: started, seeded, killed, started again; and PyGithub as its client."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import github
import httpx
import pytest
import yaml

from localhub.tls import own_certificate

SEED = {
    "users": [{"login": "alice", "token": "ghp_alice"}],
    "repositories": [{"full_name": "alice/sample"}],
}


class Process:
    def __init__(self, data: Path, *more: str, scheme: str = "http") -> None:
        command = [sys.executable, "-m", "localhub", "--data", str(data), "--port", "0", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith(f"localhub listening on {scheme}://127.0.0.1:"), line
        self.url = line.split()[-1]

    def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def seed_file(tmp_path: Path) -> Path:
    path = tmp_path / "seed.yml"
    path.write_text(yaml.safe_dump(SEED))
    return path


@pytest.fixture
def process(tmp_path: Path, seed_file: Path) -> Iterator[Process]:
    running = Process(tmp_path / "data", "--seed", str(seed_file))
    yield running
    running.end()


def test_no_acknowledged_write_is_lost_by_kill_9(tmp_path: Path, seed_file: Path) -> None:
    running = Process(tmp_path / "data", "--seed", str(seed_file))
    httpx.post(f"{running.url}/_localhub/limits", json={"enforced": False})
    acknowledged: list[int] = []
    headers = {"Authorization": "Bearer ghp_alice"}

    def write(url: str) -> None:
        with httpx.Client(headers=headers) as client:
            try:
                while True:
                    answer = client.post(f"{url}/repos/alice/sample/issues", json={"title": "x"})
                    acknowledged.append(answer.json()["number"])
                    if len(acknowledged) == 40:
                        running.process.kill()
            except httpx.TransportError:
                return

    writers = [threading.Thread(target=write, args=(running.url,)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    running.end(signal.SIGKILL)
    again = Process(tmp_path / "data", "--seed", str(seed_file))
    with httpx.Client(headers=headers, base_url=again.url) as client:
        for number in acknowledged:
            assert client.get(f"/repos/alice/sample/issues/{number}").status_code == 200
        made = client.post("/repos/alice/sample/issues", json={"title": "after"}).json()["number"]
        count = client.get("/repos/alice/sample").json()["open_issues_count"]
    assert len(set(acknowledged)) == len(acknowledged) >= 40
    assert made == count, "numbers have no gap and no double"
    again.end()


def test_tls_with_an_own_certificate(tmp_path: Path, seed_file: Path) -> None:
    running = Process(tmp_path / "data", "--seed", str(seed_file), "--tls", scheme="https")
    trust = ssl.create_default_context(cafile=str(tmp_path / "data" / "tls-cert.pem"))
    answer = httpx.get(f"{running.url}/api/v3/repos/alice/sample", verify=trust, trust_env=False)
    assert answer.json()["clone_url"] == f"{running.url}/alice/sample.git"
    running.end()


def test_the_certificate_has_the_public_name(tmp_path: Path, seed_file: Path) -> None:
    """Clients that drop a port from addresses reach it by a name, through 443: the name is in the certificate."""
    data = tmp_path / "data"
    first = own_certificate(data)[0].read_bytes()
    options = ("--seed", str(seed_file), "--tls", "--public-url", "https://localhub.test")
    named = Process(data, *options, scheme="https")
    trust = ssl.create_default_context(cafile=str(data / "tls-cert.pem"))
    told = {"sni_hostname": "localhub.test"}
    with httpx.Client(verify=trust, trust_env=False) as client:
        url = f"{named.url}/api/v3/repos/alice/sample"
        shown = client.get(url, headers={"Host": "localhub.test"}, extensions=told)
    assert shown.json()["clone_url"] == "https://localhub.test/alice/sample.git"
    named.end()
    second = (data / "tls-cert.pem").read_bytes()
    assert second != first
    for host in ("localhub.test", "127.0.0.1", None):
        assert own_certificate(data, host)[0].read_bytes() == second, "kept while it has every name"


def test_a_seed_that_is_wrong_is_told(tmp_path: Path) -> None:
    path = tmp_path / "seed.yml"
    path.write_text("installations: [{app: nobody, account: alice}]")
    command = [sys.executable, "-m", "localhub", "--data", str(tmp_path / "data"), "--seed", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "There is no app 'nobody'" in done.stderr


def test_pygithub_drives_it(process: Process) -> None:
    auth = github.Auth.Token("ghp_alice")
    quick = {"retry": None, "seconds_between_writes": 0, "seconds_between_requests": 0}
    with github.Github(base_url=f"{process.url}/api/v3", auth=auth, **quick) as client:
        assert client.get_user().login == "alice"
        repo = client.get_repo("alice/sample")
        label = repo.create_label("branchwork", "ff0000", "go")
        parent = repo.create_issue("Parent", body="Body", labels=[label])
        child = repo.create_issue("Child")
        parent.add_sub_issue(child)
        assert [each.number for each in parent.get_sub_issues()] == [child.number]
        comment = parent.create_comment("Status")
        comment.edit("Status: done")
        comment.create_reaction("rocket")
        assert [each.content for each in comment.get_reactions()] == ["rocket"]
        child.edit(state="closed", state_reason="completed")
        assert [each.number for each in repo.get_issues(state="open", labels=["branchwork"])] == [parent.number]
        assert next(iter(parent.get_timeline())).event == "labeled"
        assert repo.get_collaborator_permission("alice") == "admin"
        for number in range(35):
            repo.create_issue(f"Issue {number}")
        assert repo.get_issues(state="all").totalCount == 37
        assert len({each.number for each in repo.get_issues(state="all")}) == 37
        with pytest.raises(github.UnknownObjectException):
            repo.get_issue(999)
        assert client.get_rate_limit().resources.core.limit == 5000
