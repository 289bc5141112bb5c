"""The application: the routes of all pages behind the rules of `access`, as Starlette runs them."""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from remix_track.errors import InputError
from remix_track.extras import extra
from remix_track.server import cameras, corrections, day, doctor, metrics, people, recordings, search, sides, zones
from remix_track.server.access import FORM_TOKEN, HEADERS, Access, cookie_in, is_foreign, is_from_here
from remix_track.server.library import Library
from remix_track.server.shown import FILTERS
from remix_track.server.web import Answer, NotFoundError, Page, Redirect, RefusedError, Request, Route
from remix_track.text_files import utf8

PAGES = (
    sides,
    metrics,
    search,
    cameras,
    doctor,
    people,
    day,
    corrections,
    zones,
    recordings,
)
"""Modules with `routes(library)`; a page is one, its template, and a line in the navigation of `base.html`.

Of two routes that an address fits, the first one counts: `/sides` comes before `/{collection}`.
"""

_HERE = Path(__file__).parent
_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".txt": "text/plain"}
_FOREIGN = "this did not come from a page of this server; reload the page and try again"
_log = logging.getLogger(__name__)


def app(library: Library, access: Access) -> Any:
    """The ASGI application over what is in a library.

    Raises:
        ExtraError: Starlette is not installed.
    """
    applications = extra("starlette.applications", "view", "The pages of `remix-track view`")
    routing = extra("starlette.routing", "view", "The pages of `remix-track view`")
    render = Renderer(library, access)
    routes = [one for page in PAGES for one in page.routes(library)]
    routes += [Route("/", lambda request: _home(library)), Route("/assets/{name}", _asset)]
    made = [routing.Route(one.path, _endpoint(one, access, render), methods=[one.method]) for one in routes]
    handlers = {404: render.missing, 405: render.missing, 500: render.missing}
    return Guard(applications.Starlette(routes=made, exception_handlers=handlers), access)


class Renderer:
    """Answers as responses of Starlette."""

    def __init__(self, library: Library, access: Access) -> None:
        common = {"library": library, "form_token": access.form_token, "form_field": FORM_TOKEN}
        self._templates = templates(common)
        self._responses = extra("starlette.responses", "view", "The pages of `remix-track view`")

    def response(self, answer: Answer | Page | Redirect) -> Any:
        """The response of an answer."""
        if isinstance(answer, Redirect):
            return self._responses.RedirectResponse(answer.to, status_code=303)
        if isinstance(answer, Page):
            # Names of folders, and what a file says, may be no UTF-8.
            text = utf8(self._templates.get_template(answer.template).render(answer.values))
            return self._responses.HTMLResponse(text, answer.status)
        if isinstance(answer.content, Path):
            return self._file(answer, answer.content)
        headers = dict(answer.headers)
        return self._responses.Response(answer.content, answer.status, headers, answer.media_type)

    def error(self, status: int, message: str) -> Any:
        """A page that says what is wrong."""
        return self.response(Page("error.html", {"message": message, "status": status}, status))

    async def missing(self, request: Any, error: Any) -> Any:
        """Of an address that no route has."""
        status = getattr(error, "status_code", 500)
        if status == 500:
            return self.error(500, "the server has a fault; its terminal says which")
        return self.error(status, "there is no such page")

    def _file(self, answer: Answer, path: Path) -> Any:
        try:
            found = path.stat()
        except OSError as error:
            return self.error(404, f"{path.name}: cannot be read ({error.strerror})")
        return self._responses.FileResponse(path, answer.status, dict(answer.headers), answer.media_type,
                                            stat_result=found)  # fmt: skip


def templates(common: Mapping[str, Any]) -> Any:
    """The templates, in which everything is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    made.filters.update(FILTERS)
    made.globals.update(common)
    return made


def _endpoint(route: Route, access: Access, render: Renderer) -> Callable[[Any], Any]:
    concurrency = extra("starlette.concurrency", "view", "The pages of `remix-track view`")

    async def endpoint(request: Any) -> Any:
        try:
            changes = route.method == "POST"
            if changes and not is_from_here(request.headers):
                raise RefusedError(_FOREIGN)
            body = await _body(request, route.most_bytes) if changes else b""
            content_type = request.headers.get("content-type", "")
            asked = Request(dict(request.path_params), dict(request.query_params), body, content_type)
            if changes and not access.knows_form(_form_token(request.headers, asked)):
                raise RefusedError(_FOREIGN)
            answer = await concurrency.run_in_threadpool(route.handler, asked)
            return await concurrency.run_in_threadpool(render.response, answer)
        except InputError as error:
            return render.error(_status(error), str(error))
        except Exception:
            _log.exception("%s %s", request.method, request.url.path)
            return render.error(500, "the server has a fault; its terminal says which")

    return endpoint


async def _body(request: Any, most: int) -> bytes:
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > most:
            raise InputError(f"more than {most:,} bytes were sent; send less")
        parts.append(part)
    return b"".join(parts)


def _form_token(headers: Mapping[str, str], asked: Request) -> str:
    token = headers.get("x-form-token", "")
    if not token and asked.content_type.startswith("application/x-www-form-urlencoded"):
        token = asked.form().get(FORM_TOKEN, "")
    return token


def _status(error: InputError) -> int:
    return 404 if isinstance(error, NotFoundError) else 403 if isinstance(error, RefusedError) else 400


def _home(library: Library) -> Redirect:
    """The people of the first one; of exactly two runs, both side by side."""
    if len(library.collections) == 2 and all(one.store is None for one in library.collections):
        return Redirect("/sides")
    return Redirect(f"/{library.collections[0].number}/people")


@functools.cache
def assets() -> dict[str, Path]:
    """The files that pages load, by name."""
    return {path.name: path for path in (_HERE / "assets").iterdir() if path.suffix in _TYPES}


def _asset(request: Request) -> Answer:
    path = assets().get(request.text("name"))
    if path is None:
        raise NotFoundError("there is no such file")
    return Answer(path, _TYPES[path.suffix], headers={"cache-control": "no-cache"})


class Guard:
    """ASGI: looks at host and token before anything else, and adds the headers that every answer has."""

    def __init__(self, inner: Any, access: Access) -> None:
        self._inner, self._access = inner, access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
        elif scope["type"] == "http":
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            answer = self._refusal(scope, headers)
            await (_plain(send, *answer) if answer else self._inner(scope, receive, _with_headers(send)))
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Any, headers: Mapping[str, str]) -> "tuple[int, str, Sequence[tuple[str, str]]] | None":
        """Status, text and headers of an answer that says no, or where to go; None: go on."""
        if not self._access.allows_host(headers.get("host", "")):
            return 421, "This server is not called so; use the address that remix-track printed.\n", []
        if is_foreign(headers):
            return 403, "Pages of other sites get nothing from this server.\n", []
        if not self._access.token:
            return None
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(pairs).get("token")
        if given is not None and self._access.knows(given):
            rest = urlencode([(name, value) for name, value in pairs if name != "token"])
            # Not `//host`, which browsers take for another server.
            to = "/" + scope["raw_path"].decode("latin-1").lstrip("/\\") + (f"?{rest}" if rest else "")
            # Strict would keep it from the address that follows, where the link was in a mail or chat on the web.
            cookie = f"{self._access.cookie}={given}; HttpOnly; SameSite=Lax; Path=/"
            return 303, "", [("location", to), ("set-cookie", cookie)]
        kept = cookie_in(headers.get("cookie", ""), self._access.cookie)
        if self._access.knows(kept) or self._access.knows(_bearer(headers)):
            return None
        return 403, "Use the address with the token that remix-track printed.\n", []


def _bearer(headers: Mapping[str, str]) -> str:
    """The token as programs send it, such as Prometheus."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


async def _plain(send: Any, status: int, text: str, headers: Sequence[tuple[str, str]]) -> None:
    content = text.encode()
    listed = [("content-type", "text/plain; charset=utf-8"), ("content-length", str(len(content))), *headers]
    wrapped = _with_headers(send)
    raw = [(name.encode(), value.encode("latin-1")) for name, value in listed]
    await wrapped({"type": "http.response.start", "status": status, "headers": raw})
    await wrapped({"type": "http.response.body", "body": content})


def _with_headers(send: Any) -> Any:
    async def wrapped(message: Any) -> None:
        if message["type"] == "http.response.start":
            has = {name.lower() for name, _ in message["headers"]}
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in has]
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return wrapped
