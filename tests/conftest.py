"""The one way tests reach the research data, which lies beside the project and never in it; and nothing left behind."""

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser


def _shared() -> Path:
    """The folder of research data: REMIX_TRACK_SHARED, or `shared/` beside the project or the current folder."""
    named = os.environ.get("REMIX_TRACK_SHARED")
    if named:
        return Path(named)
    beside = [Path(__file__).resolve().parents[1].parent / "shared", Path.cwd().parent / "shared"]
    return next((path for path in beside if path.is_dir()), beside[0])


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled networks are shared by the tests of a run, and neither taken from the user nor left to them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def _signals_are_heard() -> None:
    """A shell's background jobs ignore Ctrl-C, those of `nohup` SIGHUP, and so would the commands that tests stop."""
    for number, heard in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, heard)


@pytest.fixture(autouse=True)
def _own_loudness() -> None:
    """A command that was run says more from then on, which the next test must not hear."""
    # Before the test, not after it: fixtures of a whole module run commands too, and they run earlier.
    for name in list(logging.Logger.manager.loggerDict):
        if name.partition(".")[0] == "remix_track":
            logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.fixture(scope="session")
def shared():
    """`shared("data/pets09-s2l1")` is that path; the test is skipped with a reason where it is absent."""

    def find(relative: str) -> Path:
        path = _shared() / relative
        if not path.exists():
            pytest.skip(f"research data {relative} is not here; set REMIX_TRACK_SHARED to the folder that holds it")
        return path

    return find


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests of a process: Playwright has one loop in a thread."""
    with browser() as made:
        yield made
