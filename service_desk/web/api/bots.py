"""What the vendors' servers tell the desk: somebody spoke to a bot. Proved by their signature, never by a sign-in."""

from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests

from service_desk.adapters.channels.callbacks import Call, NotOfVendor, Understood, understand
from service_desk.base.errors import NotFound
from service_desk.rules.hooks import HookKind
from service_desk.services import arrivals
from service_desk.services.arrivals import Hearing
from service_desk.web.throttle import Throttle

bp = Blueprint("bots", __name__)

# A vendor calls for all its groups from few addresses.
_throttle = Throttle(limit=600, seconds=60)
_MOST_BYTES = 256 * 1024


@bp.record_once
def _exempt(state: BlueprintSetupState) -> None:
    """A vendor has no page of ours and so no token of one; its signature stands for that."""
    state.app.extensions["csrf"].exempt(bp)


@bp.url_value_preprocessor
def _bound(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    request.max_content_length = _MOST_BYTES


@bp.before_request
def _count() -> None:
    if _throttle.wait(request.remote_addr or ""):
        raise TooManyRequests


@bp.get("/api/bots/<token>")
def ask(token: str) -> ResponseReturnValue:
    """WeCom's question whether the address is ours: answered with what it has encrypted."""
    hearing = arrivals.keys_of(token)
    if hearing.kind is not HookKind.WECOM:
        raise NotFound("not_found")
    return Response(str(_understood(hearing).answer), mimetype="text/plain")


@bp.post("/api/bots/<token>")
def call(token: str) -> ResponseReturnValue:
    """Somebody said something. No such channel, a wrong signature and an old call are one and the same answer."""
    hearing = arrivals.keys_of(token)
    understood = _understood(hearing)
    if understood.heard is not None:
        arrivals.hear(hearing.channel_id, understood.heard, now=g.now)
    if isinstance(understood.answer, str):
        return Response(understood.answer, mimetype="text/plain")
    return jsonify(understood.answer)


def _understood(hearing: Hearing) -> Understood:
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = Call(request.method, request.args.to_dict(), headers, request.get_data())
    try:
        return understand(hearing.kind, asked, hearing.keys, g.now)
    except NotOfVendor:
        raise NotFound("not_found") from None
