"""Git over REST: objects, refs, files, commits, comparison."""

from __future__ import annotations

import base64

from tests.localhub.contract.session import Session, body, scenario

REPO = "/repos/alice/sample"


def head(c: Session, branch: str = "main") -> str:
    return str(body(c.bot.get(f"{REPO}/git/ref/heads/{branch}"))["object"]["sha"])


def branch(c: Session, name: str, start: str = "") -> None:
    body(c.bot.post(f"{REPO}/git/refs", json={"ref": f"refs/heads/{name}", "sha": start or head(c)}), 201)


def put(c: Session, path: str, text: str, branch: str = "main", **more: str) -> str:
    wanted = {"message": f"Put {path}", "branch": branch, "content": base64.b64encode(text.encode()).decode(), **more}
    made = body(c.bot.put(f"{REPO}/contents/{path}", json=wanted))
    return str(made["commit"]["sha"])


@scenario
def objects(c: Session) -> None:
    start = body(c.bot.get(f"{REPO}/git/commits/{head(c)}"))
    blob = body(c.bot.post(f"{REPO}/git/blobs", json={"content": "aGkK", "encoding": "base64"}), 201)
    body(c.bot.get(f"{REPO}/git/blobs/{blob['sha']}"))
    entries = [
        {"path": "bin/run", "mode": "100755", "type": "blob", "sha": blob["sha"]},
        {"path": "doc.md", "mode": "100644", "type": "blob", "content": "# Doc\n"},
    ]
    tree = body(c.bot.post(f"{REPO}/git/trees", json={"base_tree": start["tree"]["sha"], "tree": entries}), 201)
    body(c.bot.get(f"{REPO}/git/trees/{tree['sha']}", params={"recursive": "1"}))
    who = {"name": "Ann", "email": "ann@example.org", "date": "2026-01-01T00:00:00Z"}
    wanted = {"message": "Add", "tree": tree["sha"], "parents": [start["sha"]], "author": who}
    commit = body(c.bot.post(f"{REPO}/git/commits", json=wanted), 201)
    tagged = {"tag": "v1", "message": "First", "object": commit["sha"], "type": "commit", "tagger": who}
    tag = body(c.bot.post(f"{REPO}/git/tags", json=tagged), 201)
    body(c.bot.get(f"{REPO}/git/tags/{tag['sha']}"))
    body(c.bot.post(f"{REPO}/git/refs", json={"ref": "refs/tags/v1", "sha": tag["sha"]}), 201)
    body(c.bot.get(f"{REPO}/tags"))
    assert c.bot.get(f"{REPO}/git/commits/{'0' * 40}").status_code == 404


@scenario
def refs(c: Session) -> None:
    branch(c, "topic")
    body(c.bot.get(f"{REPO}/git/matching-refs/heads/to"))
    body(c.bot.get(f"{REPO}/git/refs"))
    body(c.bot.get(f"{REPO}/git/refs/heads/topic"))
    sha = put(c, "a.txt", "a\n", "topic")
    body(c.bot.patch(f"{REPO}/git/refs/heads/main", json={"sha": sha}))
    assert c.bot.patch(f"{REPO}/git/refs/heads/main", json={"sha": "0" * 40}).status_code == 422
    assert c.bot.delete(f"{REPO}/git/refs/heads/topic").status_code == 204
    assert c.bot.get(f"{REPO}/git/ref/heads/topic").status_code == 404


@scenario
def files(c: Session) -> None:
    put(c, "docs/read me.md", "# Hi\n")
    body(c.bot.get(f"{REPO}/readme"))
    body(c.bot.get(f"{REPO}/contents"))
    body(c.bot.get(f"{REPO}/contents/docs"))
    found = body(c.bot.get(f"{REPO}/contents/docs/read me.md"))
    assert (
        c.bot.get(f"{REPO}/contents/docs/read me.md", headers={"Accept": "application/vnd.github.raw+json"}).text
        == "# Hi\n"
    )
    put(c, "docs/read me.md", "# Ho\n", sha=found["sha"])
    newer = body(c.bot.get(f"{REPO}/contents/docs/read me.md"))
    assert (
        c.bot.put(
            f"{REPO}/contents/docs/read me.md", json={"message": "m", "content": "YQ==", "sha": found["sha"]}
        ).status_code
        == 409
    )
    body(c.bot.request("DELETE", f"{REPO}/contents/docs/read me.md", json={"message": "Remove", "sha": newer["sha"]}))
    assert c.bot.get(f"{REPO}/contents/nothing").status_code == 404


@scenario
def archives(c: Session) -> None:
    for kind in ("tarball", "zipball"):
        assert c.bot.get(f"{REPO}/{kind}/main").status_code == 302


@scenario
def commits(c: Session) -> None:
    branch(c, "topic")
    sha = put(c, "b.txt", "b\n", "topic")
    put(c, "c.txt", "c\n")
    body(c.bot.get(f"{REPO}/commits"))
    body(c.bot.get(f"{REPO}/commits/{sha}"))
    for kind, start in (("diff", "diff --git"), ("patch", "From "), ("sha", sha)):
        answer = c.bot.get(f"{REPO}/commits/topic", headers={"Accept": f"application/vnd.github.{kind}"})
        assert answer.text.startswith(start)
    body(c.bot.get(f"{REPO}/compare/main...topic"))
    body(c.bot.get(f"{REPO}/branches"))
    body(c.bot.get(f"{REPO}/branches/topic"))
    body(c.bot.post(f"{REPO}/merges", json={"base": "main", "head": "topic", "commit_message": "Merge"}), 201)
    assert c.bot.post(f"{REPO}/merges", json={"base": "main", "head": "topic"}).status_code == 204
    assert c.bot.post(f"{REPO}/merges", json={"base": "main", "head": "gone"}).status_code == 404
    assert c.bot.get(f"{REPO}/commits/gone").status_code == 422
