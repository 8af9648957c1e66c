"""The Open Inference Protocol over HTTP: its routes, with what Triton's clients call besides.

Errors are ``{"error": "text"}``. No content type is asked for: Triton's client sends none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from tidewheel.errors import ConflictError, InputError, TidewheelError
from tidewheel.serving.api.bulk_answers import SMALL_BODY
from tidewheel.serving.api.oip.messages import HEADER_LENGTH, Inference, read_request, write_answer
from tidewheel.serving.api.oip.models import ROWS
from tidewheel.serving.api.oip.repository import Repository, checked_ready
from tidewheel.serving.api.oip.tensors import NUMBERS, Tensor, from_raw
from tidewheel.serving.transport.coding import body_of, coded
from tidewheel.serving.transport.http import JSON, STATUS_OF, Request, Response, json_response

if TYPE_CHECKING:
    from tidewheel.registry.tokens import Scope

BINARY = b"application/octet-stream"
EXTENSIONS = ("binary_tensor_data", "model_configuration", "model_repository", "model_repository(unload_dependents)",
              "statistics")  # fmt: skip
CALLER = b"tidewheel-caller"
UNSUPPORTED = ("systemsharedmemory", "cudasharedmemory", "trace", "logging")
"""Extensions of Triton's that are not offered; its client knows them by these paths."""

Answering = Response | Awaitable[Response]
May = Callable[[Request, "Scope"], Response | None]
"""Refuses what a request may not do of a scope; returns None when it may."""


def server_metadata() -> dict[str, Any]:
    """Return what the server is.

    Examples
    --------
    >>> server_metadata()["name"]
    'tidewheel'
    """
    return {"name": "tidewheel", "version": version("tidewheel"), "extensions": list(EXTENSIONS)}


class Rest:
    """Answers the requests below ``/v2``.

    Parameters
    ----------
    repository : Repository
        The models.
    may : callable
        Asked before each route but those of health.
    largest : int
        Bytes of a body once unpacked.
    """

    def __init__(self, repository: Repository, may: May, largest: int) -> None:
        self.repository = repository
        self._may = may
        self._largest = largest

    def handle(self, request: Request) -> Answering:
        """Return the answer to a request, or what to await for it."""
        parts = tuple(request.path.strip("/").split("/")[1:])
        scope = _scope(parts)
        if scope and (refusal := self._may(request, scope)) is not None:
            return _reworded(refusal)
        try:
            answer = self._get(request, parts) if request.method in ("GET", "HEAD") else self._post(request, parts)
        except TidewheelError as error:
            return refused(error)
        return answer if answer is not None else self._nowhere(request, parts)

    # --- routes --------------------------------------------------------------------------------

    def _get(self, request: Request, parts: tuple[str, ...]) -> Answering | None:
        repository = self.repository
        match parts:
            case ():
                return json_response(server_metadata())
            case ("health", "live"):
                return json_response({"live": True})
            case ("health", "ready"):
                ready = not repository.ready()
                return json_response({"ready": ready}, 200 if ready else 503)
            case ("models", "stats"):
                return json_response({"model_stats": repository.stats()})
            case ("models", name, *rest):
                version, what = _versioned(rest)
                return self._told(name, version, what)
        return None

    def _told(self, name: str, version: str, what: str | None) -> Response | None:
        repository = self.repository
        match what:
            case "":
                return json_response(repository.metadata(name, version))
            case "ready":
                model = checked_ready(repository.find(name, version))
                return json_response({"name": model.name, "ready": True})
            case "config":
                return json_response(repository.config(name, version))
            case "stats":
                return json_response({"model_stats": repository.stats(name, version)})
        return None

    def _post(self, request: Request, parts: tuple[str, ...]) -> Answering | None:
        if request.method != "POST":
            return None
        match parts:
            case ("models", name, *rest) if _versioned(rest)[1] == "infer":
                return self._infer(request, name, _versioned(rest)[0])
            case ("repository", "index"):
                told = _object(body_of(request, self._largest))
                return json_response(self.repository.index(told.get("ready") is True))
            case ("repository", "models", name, ("load" | "unload") as action):
                return self._switched(request, name, action)
        return None

    async def _switched(self, request: Request, name: str, action: str) -> Response:
        try:
            parameters = _object(body_of(request, self._largest)).get("parameters")
            if action == "load":
                await self.repository.load(name, parameters if isinstance(parameters, dict) else None, request.caller)
            else:
                await self.repository.unload(name, request.caller)
        except TidewheelError as error:
            return refused(error)
        return Response(200, b"{}")

    async def _infer(self, request: Request, name: str, version: str) -> Response:
        try:
            if len(request.body) > SMALL_BODY:
                asked = await asyncio.to_thread(self._asked, request, name, version)
            else:
                asked = self._asked(request, name, version)
            asked.caller = request.caller or request.header(CALLER)[:200]
            body, size = write_answer(asked, await self.repository.infer(name, version, asked))
        except TidewheelError as error:
            return refused(error)
        body, headers = coded(request, body)
        if size is None:
            return Response(200, body, JSON, headers)
        return Response(200, body, BINARY, (*headers, (HEADER_LENGTH, b"%d" % size)))

    def _asked(self, request: Request, name: str, version: str) -> Inference:
        body = body_of(request, self._largest)
        length = request.headers.get(HEADER_LENGTH)
        if length is None or length.strip() != b"0":
            return read_request(body, length)
        return Inference([self._raw(name, version, body)], binary_others=True)

    def _raw(self, name: str, version: str, body: bytes) -> Tensor:
        """Return a body without JSON as the only input of a model, or as all its columns, row by row."""
        inputs = self.repository.find(name, version).inputs
        datatypes = {port.datatype for port in inputs}
        if datatypes == {"BYTES"} and len(inputs) == 1:
            return from_raw(inputs[0].name, "BYTES", [1], body)
        if len(datatypes) > 1 or "BYTES" in datatypes:
            raise InputError(f"model {name!r} has several inputs", remedy="send JSON that names them")
        width = NUMBERS[datatypes.pop()].itemsize * len(inputs)
        if len(body) % width:
            raise InputError(f"{len(body)} bytes are no whole number of rows of {width} bytes")
        if len(inputs) == 1:
            return from_raw(inputs[0].name, inputs[0].datatype, [len(body) // width], body)
        return from_raw(ROWS, inputs[0].datatype, [len(body) // width, len(inputs)], body)

    def _nowhere(self, request: Request, parts: tuple[str, ...]) -> Response:
        if parts[:1] and (parts[0] in UNSUPPORTED or parts[-2:] == ("trace", "setting")):
            return json_response({"error": f"{request.path[:200]}: this extension is not supported"}, 501)
        known = (self._get, self._post)[request.method in ("GET", "HEAD")]
        other = Request("POST" if known == self._post else "GET", request.path)
        if request.method not in ("GET", "HEAD", "POST") or _exists(other.method, parts):
            allow = ((b"allow", b"POST" if _exists("POST", parts) else b"GET, HEAD"),)
            return _error(405, f"{request.path[:200]} does not take {request.method}", allow)
        return _error(404, f"no route {request.path[:200]!r} in version 2 of the Open Inference Protocol")


def _exists(method: str, parts: tuple[str, ...]) -> bool:
    """Return whether a method has a route here, whatever model it names."""
    match method, parts:
        case "POST", ("repository", "index") | ("repository", "models", _, "load" | "unload"):
            return True
        case "POST", ("models", _, *rest):
            return _versioned(rest)[1] == "infer"
        case "GET", () | ("health", "live" | "ready"):
            return True
        case "GET", ("models", _, *rest):
            return _versioned(rest)[1] in ("", "ready", "config", "stats")
    return False


def _versioned(rest: list[str]) -> tuple[str, str | None]:
    """Return the version that a path names, or "", and what it asks for; None for no route."""
    version = ""
    if rest[:1] == ["versions"] and len(rest) > 1:
        version, rest = rest[1], rest[2:]
    return version, "" if not rest else rest[0] if len(rest) == 1 else None


def _scope(parts: tuple[str, ...]) -> Scope | None:
    """Return what a token must allow for a route, if anything."""
    match parts:
        case () | ("health", *_):
            return None
        case ("repository", "models", *_):
            return "admin"
        case (*_, "infer"):
            return "decide"
    return "read"


def _reworded(refusal: Response) -> Response:
    """Return a refusal with its error as one text."""
    told = msgspec.json.decode(refusal.body)["error"]
    return _error(refusal.status, "; ".join(filter(None, (told["what"], told["remedy"]))), refusal.headers)


def _object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is no JSON object: {error}") from error


def refused(error: TidewheelError) -> Response:
    """Return an error in the protocol's form.

    Examples
    --------
    >>> refused(InputError("no shape")).body
    b'{"error":"no shape"}'
    """
    status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
    if isinstance(error, ConflictError):
        status = 400
    return _error(status, str(error), ((b"retry-after", b"1"),) if status in (429, 503) else ())


def _error(status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> Response:
    return Response(status, msgspec.json.encode({"error": text}), JSON, headers)
