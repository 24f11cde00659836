"""Artifacts, variables and secrets of workflow runs."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import nacl.public

SAMPLE = "/repos/alice/sample"
FLOW = """
on: push
jobs:
  make:
    runs-on: ubuntu-latest
    steps:
      - run: mkdir -p out/deep && echo one > out/a.txt && echo two > out/deep/b.txt && echo no > out/c.log
      - uses: actions/upload-artifact@v4
        with: {name: 'out put', path: "out/**/*.txt\\n!out/c.log"}
      - uses: actions/upload-artifact@v4
        with: {name: nothing, path: nowhere}
      - uses: actions/cache@v4
        with: {path: x, key: k}
      - uses: actions/cache/restore@v4
        id: again
        with: {path: x, key: k}
      - run: test -z "${{ steps.again.outputs.cache-hit }}"
  use:
    needs: make
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with: {name: out put, path: got}
      - run: cat got/a.txt got/deep/b.txt
  none:
    needs: make
    runs-on: ubuntu-latest
    steps: [{uses: actions/download-artifact@v4, with: {name: other}}]
  twice:
    needs: make
    runs-on: ubuntu-latest
    steps: [{run: touch x}, {uses: actions/upload-artifact@v4, with: {name: out put, path: x}}]
"""


def put(client: Any, text: str) -> None:
    body = {"message": "Put it", "content": base64.b64encode(text.encode()).decode()}
    done = client.put(f"{SAMPLE}/contents/.github/workflows/ci.yml", json=body)
    assert done.is_success, done.text


def test_artifacts_are_kept_and_handed_on(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        put(alice, FLOW)
        hub.settle()
        run = bot.get(f"{SAMPLE}/actions/runs").json()["workflow_runs"][0]
        jobs = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs").json()["jobs"]
        assert {job["name"]: job["conclusion"] for job in jobs} == {
            "make": "success",
            "use": "success",
            "none": "failure",
            "twice": "failure",
        }
        listed = bot.get(f"{SAMPLE}/actions/runs/{run['id']}/artifacts")
        (one,) = validate(listed, "ReposOwnerRepoActionsRunsRunIdArtifactsGetResponse200")["artifacts"]
        assert (one["name"], one["expired"]) == ("out put", False)
        validate(bot.get(f"{SAMPLE}/actions/artifacts"), "ReposOwnerRepoActionsArtifactsGetResponse200")
        validate(bot.get(f"{SAMPLE}/actions/artifacts/{one['id']}"), "Artifact")
        where = bot.get(f"{SAMPLE}/actions/artifacts/{one['id']}/zip")
        assert where.status_code == 302
        packed = zipfile.ZipFile(io.BytesIO(hub.client(None, "").get(where.headers["location"]).content))
        assert packed.namelist() == ["a.txt", "deep/b.txt"]
        assert bot.delete(f"{SAMPLE}/actions/artifacts/{one['id']}").status_code == 204
        assert bot.get(f"{SAMPLE}/actions/artifacts/{one['id']}").status_code == 404


def test_variables_and_secrets_reach_jobs(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        root = f"{SAMPLE}/actions"
        assert alice.post(f"{root}/variables", json={"name": "color", "value": "red"}).status_code == 201
        assert alice.post(f"{root}/variables", json={"name": "COLOR", "value": "red"}).status_code == 409
        assert alice.post(f"{root}/variables", json={"name": "GITHUB_X", "value": "red"}).status_code == 422
        assert carol.post(f"{root}/variables", json={"name": "x", "value": "y"}).status_code == 403
        assert alice.patch(f"{root}/variables/color", json={"value": "blue"}).status_code == 204
        alice.post(f"{root}/variables", json={"name": "shade", "value": "dark"})
        assert alice.patch(f"{root}/variables/shade", json={"name": "color"}).status_code == 409
        assert alice.patch(f"{root}/variables/shade", json={"name": "hue\n"}).status_code == 422
        assert alice.patch(f"{root}/variables/shade", json={"name": "Shade"}).status_code == 204
        alice.delete(f"{root}/variables/shade")
        one = validate(alice.get(f"{root}/variables/COLOR"), "ActionsVariable")
        assert (one["name"], one["value"]) == ("COLOR", "blue")
        validate(alice.get(f"{root}/variables"), "ReposOwnerRepoActionsVariablesGetResponse200")

        key = validate(alice.get(f"{root}/secrets/public-key"), "ActionsPublicKey")
        box = nacl.public.SealedBox(nacl.public.PublicKey(base64.b64decode(key["key"])))
        sealed = {"encrypted_value": base64.b64encode(box.encrypt(b"hush")).decode(), "key_id": key["key_id"]}
        assert alice.put(f"{root}/secrets/token", json=sealed).status_code == 201
        assert alice.put(f"{root}/secrets/token", json=sealed).status_code == 204
        assert alice.put(f"{root}/secrets/token", json=sealed | {"key_id": "1"}).status_code == 422
        assert alice.put(f"{root}/secrets/token", json=sealed | {"encrypted_value": "eA=="}).status_code == 422
        listed = validate(alice.get(f"{root}/secrets"), "ReposOwnerRepoActionsSecretsGetResponse200")["secrets"]
        assert [secret["name"] for secret in listed] == ["TOKEN"]
        assert "value" not in validate(alice.get(f"{root}/secrets/TOKEN"), "ActionsSecret")

        put(
            alice,
            """
on: push
jobs:
  a:
    runs-on: ubuntu-latest
    env: {T: '${{ secrets.TOKEN }}', N: '${{ secrets.NONE }}'}
    steps: [{run: 'test "$T$N" = hush && echo "$T ${{ vars.COLOR }}" | sed s/h/H/'}]
  b: {if: vars.COLOR == 'green', runs-on: ubuntu-latest, steps: [{run: 'true'}]}
""",
        )
        hub.settle()
        run = alice.get(f"{root}/runs").json()["workflow_runs"][0]
        jobs = alice.get(f"{root}/runs/{run['id']}/jobs").json()["jobs"]
        assert {job["name"]: job["conclusion"] for job in jobs} == {"a": "success", "b": "skipped"}
        assert alice.delete(f"{root}/secrets/TOKEN").status_code == 204
        assert alice.delete(f"{root}/variables/COLOR").status_code == 204
        assert alice.get(f"{root}/variables").json()["total_count"] == 0


def test_a_job_cannot_hand_over_what_is_not_its_own(hub: Any) -> None:
    text = """
on: push
jobs:
  link:
    runs-on: ubuntu-latest
    steps:
      - run: |
          d=/home/runner/.localhub/artifacts; mkdir -p $d; ln -s /etc/passwd $d/a.zip; mkfifo $d/b.zip
          for n in a b c; do echo "{\\"name\\": \\"$n\\", \\"days\\": \\"\\"}" > $d/$n.json; done; echo no > $d/d.json
  folder:
    runs-on: ubuntu-latest
    steps: [{run: mkdir -p /home/runner/x && ln -s /etc /home/runner/.localhub}]
"""
    with hub.client("alice") as alice:
        put(alice, text)
        hub.settle()
        run = alice.get(f"{SAMPLE}/actions/runs").json()["workflow_runs"][0]
        jobs = alice.get(f"{SAMPLE}/actions/runs/{run['id']}/jobs").json()["jobs"]
        assert {job["name"]: job["conclusion"] for job in jobs} == {"link": "failure", "folder": "success"}
        assert alice.get(f"{SAMPLE}/actions/artifacts").json()["total_count"] == 0
