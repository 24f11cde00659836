"""How a connection suffers a fault: cut, or answered wrongly before or after the effect."""

from __future__ import annotations

import asyncio

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localhub.faults import RequestFault


async def faulty(app: ASGIApp, scope: Scope, receive: Receive, send: Send, fault: RequestFault | None) -> None:
    """Run `app`, which speaks git's protocol, with this fault."""
    if fault is None:
        await app(scope, receive, send)
        return
    await asyncio.sleep(fault.latency)
    if fault.reset_before:
        abort(send)
        return
    if fault.error_before:
        await PlainTextResponse("Server Error", fault.error_before)(scope, receive, send)
        return
    after = fault.reset_after or fault.error_after

    async def hold(message: Message) -> None:
        if not after:
            await send(message)

    await app(scope, receive, hold)
    if fault.reset_after:
        abort(send)
    elif fault.error_after:
        await PlainTextResponse("Server Error", fault.error_after)(scope, receive, send)


def abort(send: Send) -> None:
    """Cut the connection, as a fault: uvicorn's request cycle, of which `send` is a method, has the transport."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise RuntimeError("this server gives no access to its connection: reset faults need uvicorn")
    transport.abort()
