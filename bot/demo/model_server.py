"""The model that needs no key: an OpenAI-compatible server that replays a change from BASE to TARGET.

`python -m bot.demo.model_server --base DIR --target DIR [--script FILE] [--port 0]` prints one line with its address.
"""

from __future__ import annotations

import argparse
import json
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from bot.demo.replay import wire
from bot.demo.replay.conversation import Conversation, NotUnderstood
from bot.demo.replay.partition import Replay
from bot.demo.replay.play import answer
from bot.demo.replay.script import load
from bot.demo.replay.trees import read_tree

MODEL = "replay"
Json = dict[str, Any]


def create_app(replay: Replay, now: Callable[[], float] = time.time) -> FastAPI:
    """The server's application. It keeps nothing between requests."""
    app = FastAPI(title="Branchwork replay model")

    @app.get("/v1/models")
    def models() -> Json:
        return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "branchwork"}]}

    @app.post("/v1/responses")
    async def responses(request: Request) -> Response:
        body = await _body(request)
        talk = _read(wire.read_responses, body)
        if body.get("previous_response_id") or body.get("conversation"):
            raise NotUnderstood("this server keeps nothing: send the whole conversation as `input`")
        whole = wire.response(body, talk, answer(replay, talk), int(now()))
        if body.get("stream"):
            return _stream(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in wire.response_events(whole))
        return JSONResponse(whole)

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await _body(request)
        talk = _read(wire.read_chat, body)
        whole = wire.completion(body, talk, answer(replay, talk), int(now()))
        if body.get("stream"):
            with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            return _stream(_chunks(whole, with_usage))
        return JSONResponse(whole)

    @app.exception_handler(NotUnderstood)
    def refused(request: Request, error: NotUnderstood) -> JSONResponse:
        return _error(400, str(error))

    @app.exception_handler(404)
    def unknown(request: Request, error: Exception) -> JSONResponse:
        return _error(404, f"there is no {request.method} {request.url.path} here")

    return app


def _read(read: Callable[[Json], Conversation], body: Json) -> Conversation:
    try:
        return read(body)
    except (AttributeError, KeyError, TypeError) as error:
        raise NotUnderstood(f"the request is not in the shape of this API: {error!r}") from error


async def _body(request: Request) -> Json:
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise NotUnderstood(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise NotUnderstood("the body must be a JSON object")
    if not isinstance(body.get("model"), str):
        raise NotUnderstood("`model` must be a text")
    if body.get("n", 1) != 1:
        raise NotUnderstood("`n` must be 1")
    return body


def _chunks(whole: Json, with_usage: bool) -> Iterator[str]:
    for chunk in wire.completion_chunks(whole, with_usage):
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _stream(lines: Iterator[str]) -> StreamingResponse:
    return StreamingResponse(lines, media_type="text/event-stream")


def _error(status: int, message: str) -> JSONResponse:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, status)


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.model_server", description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--target", type=Path, required=True)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--port", type=int, default=0)
    chosen = parser.parse_args()
    replay = Replay(read_tree(chosen.base), read_tree(chosen.target), load(chosen.script))
    listener = socket.create_server(("127.0.0.1", chosen.port))
    print(f"replay model listening on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(create_app(replay), log_level="warning", lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
