"""Models over both protocols, against a server that answers what the test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bot.model import Defaults, Models, Price, UnknownPrice, WrongKey
from planner.policy import RoleModel
from worker.agent import Message, ModelInvalid, ModelRefused, ModelRequest, ModelUnavailable, ToolCall, ToolResult
from worker.agent import ToolSpec as Spec
from worker.task import Usage

REQUEST = ModelRequest(
    instructions="be short",
    items=(
        Message(role="user", text="hi"),
        ToolCall(id="c1", name="look", arguments="{}"),
        ToolResult(id="c1", output="seen"),
    ),
    tools=(Spec(name="look", description="d", parameters={"type": "object", "properties": {}}),),
    answer_schema={"type": "object"},
    answer_name="Plan",
)


@dataclass
class Server:
    """Records requests; `answers` maps a path to (status, headers, body)."""

    url: str
    answers: dict[str, tuple[int, dict[str, str], str]]
    seen: list[tuple[str, Any]] = field(default_factory=list)

    def model(self, **defaults: Any) -> Any:
        options = {"name": "m", "api_key": "k", "base_url": self.url, "input_price": 1, "output_price": 10} | defaults
        self.models = Models(Defaults(**options))
        return self.models.of(RoleModel())


@pytest.fixture
def server() -> Iterator[Server]:
    answers: dict[str, tuple[int, dict[str, str], str]] = {}
    seen: list[tuple[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            seen.append((self.path, body))
            status, headers, text = answers.get(self.path, (404, {}, '{"error": {"message": "no such path"}}'))
            self.send_response(status)
            for name, value in ({"content-type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        made = Server(f"http://127.0.0.1:{http.server_port}/v1", answers, seen)
        yield made
        made.models.close()
        http.shutdown()
        thread.join()


def stream(response: dict[str, Any], kind: str = "response.completed") -> tuple[int, dict[str, str], str]:
    whole = {
        "id": "r", "object": "response", "created_at": 0, "model": "m", "parallel_tool_calls": True, "tool_choice": "auto",
        "tools": [], "status": "completed", "output": [], "error": None, "incomplete_details": None,
        "usage": {"input_tokens": 100, "output_tokens": 7, "total_tokens": 107,
                  "input_tokens_details": {"cached_tokens": 40}, "output_tokens_details": {"reasoning_tokens": 0}},
    } | response  # fmt: skip
    event = {"type": kind, "sequence_number": 1, "response": whole}
    return 200, {"content-type": "text/event-stream"}, f"event: {kind}\ndata: {json.dumps(event)}\n\n"


def text(words: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": words, "annotations": []}]
    return {"type": "message", "id": "x", "role": "assistant", "status": "completed", "content": content}


def chat(**choice: Any) -> str:
    one = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "fine"}} | choice
    usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
    return json.dumps(
        {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [one], "usage": usage}
    )


def test_responses(server: Server) -> None:
    call = {
        "type": "function_call",
        "id": "f",
        "call_id": "c2",
        "name": "look",
        "arguments": "{}",
        "status": "completed",
    }
    server.answers["/v1/responses"] = stream({"output": [text("hello"), call]})
    answer = server.model().answer(REQUEST)
    assert answer.text == "hello"
    assert answer.tool_calls == (ToolCall(id="c2", name="look", arguments="{}"),)
    assert answer.usage.model_copy(update={"dollars": 0}) == Usage(
        calls=1, input_tokens=100, output_tokens=7, cached_tokens=40
    )
    assert answer.usage.dollars == pytest.approx(170e-6)
    ((_, body),) = server.seen
    assert body["store"] is False
    assert body["stream"] is True
    assert [i.get("type", "message") for i in body["input"]] == ["message", "function_call", "function_call_output"]
    assert body["text"]["format"]["name"] == "Plan"


def test_chat_where_there_is_nothing_else(server: Server) -> None:
    server.answers["/v1/chat/completions"] = (200, {}, chat())
    model = server.model()
    assert model.answer(REQUEST).text == "fine"
    assert model.answer(REQUEST).text == "fine"
    assert [path for path, _ in server.seen] == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]
    messages = server.seen[-1][1]["messages"]
    assert [m["role"] for m in messages] == ["system", "user", "assistant", "tool"]
    assert messages[2]["tool_calls"][0]["id"] == "c1"


def test_an_unknown_model_is_no_reason_to_change_the_protocol(server: Server) -> None:
    with pytest.raises(WrongKey, match="does not know the model 'm'"):
        server.model().answer(REQUEST)


@pytest.mark.parametrize(
    ("status", "headers", "error", "after"),
    [
        (401, {}, WrongKey, None),
        (403, {}, WrongKey, None),
        (400, {}, ModelRefused, None),
        (429, {"retry-after": "300", "x-should-retry": "false"}, ModelUnavailable, 300),
        (503, {"x-should-retry": "false"}, ModelUnavailable, None),
    ],
)
def test_errors(
    server: Server, status: int, headers: dict[str, str], error: type[Exception], after: float | None
) -> None:
    server.answers["/v1/responses"] = (status, headers, '{"error": {"message": "no"}}')
    with pytest.raises(error, match="no") as raised:
        server.model().answer(REQUEST)
    assert getattr(raised.value, "retry_after", None) == after


Expected = Callable[[Server], tuple[int, dict[str, str], str]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (stream({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}), ModelInvalid),
        (stream({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}), ModelRefused),
        (stream({"status": "failed", "error": {"code": "server_error", "message": "x"}}, "response.failed"),
         ModelUnavailable),
        ((200, {"content-type": "text/event-stream"}, ""), ModelUnavailable),
    ],
)  # fmt: skip
def test_answers_that_are_none(server: Server, answer: tuple[int, dict[str, str], str], error: type[Exception]) -> None:
    server.answers["/v1/responses"] = answer
    with pytest.raises(error):
        server.model().answer(REQUEST)


def test_a_server_that_is_away() -> None:
    models = Models(Defaults("m", "k", "http://127.0.0.1:9/v1"))
    with pytest.raises(ModelUnavailable, match="did not answer"):
        models.of(RoleModel()).answer(REQUEST)
    models.close()


def test_prices() -> None:
    assert Price("m", 1, 10).dollars(Usage(input_tokens=1_000_000, output_tokens=1_000_000)) == 11
    assert Price("gpt-5", None, None).dollars(Usage(input_tokens=1_000_000)) > 0
    Price("gpt-5", None, None).require("worker")
    Price("mine", 0, 0).require("worker")
    with pytest.raises(UnknownPrice, match=r"models\.worker\.input_price"):
        Price("mine", None, None).require("worker")
