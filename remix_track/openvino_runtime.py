"""OpenVINO on the CPU: imported without its telemetry, networks compiled once and kept, precision that is checked."""

import atexit
import contextlib
import functools
import importlib.util
import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from remix_track.compiled_cache import keep, recall
from remix_track.digests import key_of

if TYPE_CHECKING:
    from torch import Tensor, nn

_TELEMETRY = "openvino_telemetry"
_TURNS, _OPEN_SIDE = 4, 8
_log = logging.getLogger(__name__)
_BUILD_SECONDS = 300.0
"""Longer takes no network to build: what does hangs."""
_one_builds = threading.RLock()
"""Tracing a network in torch is not made for several threads; and the second one finds what the first has kept."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A network that is ready to run.

    Attributes:
        network: OpenVINO's compiled model. Each infer request of it serves one thread at a time.
        precision: of its arithmetic: `float32`, `bfloat16` or `float16`.
        notes: what was noted when it was built.
        kept: it comes from the cache.
    """

    network: Any
    precision: str
    notes: dict[str, Any]
    kept: bool

    @property
    def description(self) -> str:
        """For the summary: `openvino 2026.4.1, cpu, bfloat16`."""
        return f"openvino {version()}, cpu, {self.precision}"


@functools.cache
def is_usable() -> bool:
    """Whether OpenVINO is installed and runs on this machine's CPU."""
    if importlib.util.find_spec("openvino") is None:
        return False
    try:
        return "CPU" in _core().available_devices
    except Exception as error:  # a wheel for another machine fails in more than one way
        _log.info("openvino cannot be used here: %s", error)
        return False


def openvino() -> Any:
    """The package, imported without `openvino_telemetry`."""
    if "openvino" not in sys.modules:
        with without_telemetry():
            import openvino
    import openvino

    return openvino


@contextlib.contextmanager
def without_telemetry() -> Iterator[None]:
    """Import OpenVINO, or NNCF, inside: otherwise the import alone sends a note to their makers."""
    if _TELEMETRY in sys.modules:
        yield
        return
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[_TELEMETRY]


def version() -> str:
    """OpenVINO's release: `2026.4.1`."""
    return str(openvino().get_version()).partition("-")[0]


def read_model(content: bytes, constants: bytes = b"") -> Any:
    """A model from the bytes of an `.onnx` file, or of an `.xml` and its `.bin`; no other file is read."""
    ov = openvino()
    if not constants:
        return _core().read_model(content)
    return _core().read_model(content, ov.Tensor(np.frombuffer(constants, np.uint8)))


def from_torch(module: "nn.Module", example: "Tensor | tuple[Tensor, ...]") -> Any:
    """The model of a torch module in eval mode, by tracing it on an example; sizes stay open.

    `openvino.convert_model` would do the same by way of its telemetry.
    """
    import torch

    openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with warnings.catch_warnings(), torch.no_grad():
        # Tracing is deprecated, but what replaces it needs seconds more; results are compared in any case.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        decoder = TorchScriptPythonDecoder(traced)
    front_end = FrontEndManager().load_by_framework("pytorch")
    return front_end.convert(front_end.load(decoder))


class Compilation(NamedTuple):
    """What it takes to compile a network.

    Attributes:
        model: OpenVINO's.
        notes: what to keep about it, plain values.
        accept: whether a compiled network gives the right results.
    """

    model: Any
    notes: dict[str, Any]
    accept: Callable[[Any], bool]


def compiled(
    name: str, facts: Mapping[str, Any], build: Callable[[], Compilation], threads: int, *, exact: bool = False
) -> Compiled | None:
    """A network from the cache, else built, compiled and kept; None if OpenVINO gives wrong results.

    OpenVINO's own choice of precision is bfloat16 or float16 where the CPU computes with it. It is taken if its
    results are accepted and it is faster, else float32; this is decided once for a network and a CPU, and kept. On a
    Xeon with AVX-512 for 16-bit numbers but without AMX, bfloat16 takes 1.7 times as long as float32.

    Args:
        name: of the network, for the line that says what takes so long.
        facts: all that the network depends on (plain values); release and CPU are added.
        build: makes the model; called only where nothing is kept.
        threads: for one call.
        exact: in float32, whatever else the CPU computes with.
    """
    key = network_key({**facts, "exact": exact})
    if (kept := _recalled(key, threads)) is not None:
        return kept
    _wait_at_the_end()
    with _one_builds:
        return _recalled(key, threads) or _built(name, key, build, threads, exact=exact)


@functools.cache
def _wait_at_the_end() -> None:
    """Let Python end when no network is being built any more, and none is begun then.

    A thread that is inside OpenVINO when Python ends aborts the process. The lock is taken for good.
    """
    atexit.register(_one_builds.acquire, timeout=_BUILD_SECONDS)


def _built(name: str, key: str, build: Callable[[], Compilation], threads: int, *, exact: bool) -> Compiled | None:
    model, notes, accept = build()
    # Only now: a file that is no network is one line.
    _say(name)
    network = compiled_exactly(model, threads) if exact else _core().compile_model(model, "CPU", _options(threads))
    accepted = accept(network)
    if precision_of(network) != "float32":
        plain = compiled_exactly(model, threads)
        if not accepted or fastest([network, plain]) is plain:
            network, accepted = plain, accept(plain)
    if not accepted:
        return None
    precision = precision_of(network)
    keep(key, {**notes, "precision": precision}, bytes(network.export_model().getbuffer()))
    return Compiled(network, precision, notes, False)


def fastest(networks: Sequence[Any]) -> Any:
    """That of several compiled networks of one model which takes the least time, the best of some turns of each."""
    requests = [(network.create_infer_request(), _zeros_for(network)) for network in networks]
    seconds = np.empty((_TURNS, len(networks)))
    for turn in range(_TURNS):
        for column, (request, inputs) in enumerate(requests):
            start = time.perf_counter()
            # Shared as everywhere: a copy would go into the array that an earlier request of this network shared.
            request.infer(inputs, share_inputs=True)
            seconds[turn, column] = time.perf_counter() - start
    return networks[int(seconds.min(axis=0).argmin())]


def _zeros_for(network: Any) -> list[NDArray[Any]]:
    """An input for each port; sides that are open, such as the batch, are `_OPEN_SIDE`."""
    return [
        np.zeros(
            [side.get_length() if side.is_static else _OPEN_SIDE for side in port.partial_shape],
            port.element_type.to_dtype(),
        )
        for port in network.inputs
    ]


def network_key(facts: Mapping[str, Any]) -> str:
    """The name in the cache of what depends on these facts (plain values), on OpenVINO's release and on the CPU."""
    core = _core()
    cpu = [core.get_property("CPU", "FULL_DEVICE_NAME"), sorted(core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))]
    return key_of({**facts, "openvino": openvino().get_version(), "cpu": cpu})


def _recalled(key: str, threads: int) -> Compiled | None:
    found = recall(key)
    if found is None:
        return None
    notes, content = found
    precision = str(notes.pop("precision", "float32"))
    try:
        return Compiled(_core().import_model(content, "CPU", _options(threads, precision)), precision, notes, True)
    except Exception as error:  # a blob of another build of the same release
        _log.info("a compiled network is built again: %s", error)
        return None


def compiled_exactly(model: Any, threads: int) -> Any:
    """OpenVINO's compiled model in float32; nothing is kept."""
    return _core().compile_model(model, "CPU", _options(threads, "float32"))


@functools.cache
def _say(name: str) -> None:
    """Once for each network, which may come in parts."""
    _log.info("%s: made ready for OpenVINO, which takes a few seconds at the first start", name)


@functools.cache
def _core() -> Any:
    return openvino().Core()


def _options(threads: int, precision: str = "") -> dict[str, Any]:
    """One call at a time on `threads` threads, which are not bound to cores: other processes use these too."""
    made: dict[str, Any] = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
    if precision:
        made["INFERENCE_PRECISION_HINT"] = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}[precision]
    return made


def precision_of(network: Any) -> str:
    """Of a compiled network's arithmetic: `float32`, `bfloat16` or `float16`."""
    name = network.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    return {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}.get(name, "float32")
