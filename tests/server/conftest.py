"""The drawn store, made once for all tests that only look at it; and a server that a browser can reach."""

import contextlib
import socket
import threading
import time

import pytest

from remix_track.server.access import Access
from remix_track.server.app import app
from remix_track.server.library import Library
from tests.server.drawn_store import Client, drawn_store

MARKUP = "<img src=x onerror=document.title='bad'>&amp;'\""


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    pytest.importorskip("pyarrow")
    pytest.importorskip("starlette")
    return drawn_store(tmp_path_factory.mktemp("view"), names={2: MARKUP})


@pytest.fixture(scope="session")
def pages(store):
    """A client of the drawn store that changes nothing."""
    return Client(store.path)


@contextlib.contextmanager
def serving(*paths, **library):
    """The address of a server of these stores and runs, as long as the block goes on."""
    uvicorn = pytest.importorskip("uvicorn")
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app(Library.of(paths, **library), Access()),
        log_config=None,
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.fixture(scope="session")
def address(store):
    with serving(store.path) as found:
        yield found
