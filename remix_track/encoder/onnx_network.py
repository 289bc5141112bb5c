"""Any re-ID network in an ONNX file, on ONNX Runtime."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remix_track.encoder.crops import ChannelOrder, filled_up
from remix_track.encoder.weights_card import check_distance, check_text
from remix_track.errors import InputError, parsing
from remix_track.machine import usable_cores
from remix_track.settings import build, read_toml

LARGEST_BATCH = 16
WIDEST = 65536


@dataclass(frozen=True, slots=True)
class SideFile:
    """What `NAME.toml` beside `NAME.onnx` or `NAME.xml` may say.

    None leaves a value to the graph or the default (RGB, ImageNet).

    Attributes:
        input_height: in pixels, for graphs that leave it open.
        input_width: likewise.
        channel_order: of the input.
        mean: per channel, of values in 0..1.
        std: per channel, of values in 0..1.
        trained_on: the training data in a few words, for the summary.
        max_cosine_distance: calibrated threshold.
    """

    input_height: int | None = None
    input_width: int | None = None
    channel_order: ChannelOrder | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    trained_on: str = ""
    max_cosine_distance: float | None = None

    def __post_init__(self) -> None:
        check_text("trained_on", self.trained_on)
        check_distance(self.max_cosine_distance)

    def said(self) -> dict[str, Any]:
        """What it says about the input, by the names of `NetworkInput`."""
        named = {
            "height": self.input_height,
            "width": self.input_width,
            "channel_order": self.channel_order,
            "mean": self.mean,
            "std": self.std,
        }
        return {name: value for name, value in named.items() if value is not None}


def read_side_file(weights: Path) -> SideFile:
    """The settings in `NAME.toml` beside the weights; all unset where there is no such file.

    Raises:
        InputError: not TOML, an unknown key, or a value of another type.
    """
    path = weights.with_suffix(".toml")
    return build(SideFile, read_toml(path), str(path)) if path.exists() else SideFile()


class OnnxNetwork:
    """A `Network`: one float32 input (B, 3, H, W), one output (B, D).

    ONNX Runtime gets the file's bytes, never its path: given a path, releases before 1.24 read
    whatever other file, or address in memory, a hostile graph names as "external data"; given bytes, all refuse.

    Args:
        path: of the ONNX file, for messages.
        content: of the file.
        threads: for one call; None takes the cores that this process may use.
        cuda: compute there where this ONNX Runtime can.

    Attributes:
        backend: see `Network`.
        fixed_batch: crops in every call; None where the graph leaves that open.
        input_height: of the graph's input in pixels; None where it leaves that open.
        input_width: likewise.
        width: D, known after `probe`.
        largest_batch: the graph's own, where it is fixed.

    Raises:
        InputError: not an ONNX file, weights outside it, or a graph that is no such network.
    """

    takes_pixels = False

    def __init__(self, path: Path, content: bytes, threads: int | None = None, *, cuda: bool = False) -> None:
        self._session = open_session(path, content, threads or usable_cores(), cuda=cuda)
        self.backend = f"onnxruntime {_version()}, {_device(self._session)}, float32"
        self._path = path
        with parsing(path, "a re-ID network", "export it again"):
            self._name, (self.fixed_batch, self.input_height, self.input_width) = _check_graph(path, self._session)
        self.largest_batch = self.fixed_batch or LARGEST_BATCH
        self.width = 0

    def probe(self, height: int, width: int) -> None:
        """Run two black crops through and take the vector's length from what comes out.

        Raises:
            InputError: the graph fails, or gives something else than one vector for each crop.
        """
        path, crops = self._path, min(2, self.largest_batch)
        try:
            vectors = self(np.zeros((crops, 3, height, width), np.float32))
        except Exception as error:  # ONNX Runtime has no base class for its errors
            raise InputError(
                f"{path}: the network fails on {crops} crops of {height}x{width} ({line_of(error)})"
            ) from None
        if vectors.ndim != 2:
            raise InputError(f"{path}: gives {vectors.shape} for {crops} crops; expected (B, D): one vector a crop")
        if len(vectors) != crops:
            raise InputError(
                f"{path}: has no batch axis: {crops} crops give {len(vectors)} vectors; export it with one"
            )
        if not 1 <= vectors.shape[1] <= WIDEST:
            raise InputError(f"{path}: gives vectors of length {vectors.shape[1]}; expected 1 to {WIDEST}")
        self.width = vectors.shape[1]

    def __call__(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised crops (B, 3, H, W) -> vectors (B, D); a fixed batch is filled up with black crops."""
        filled, lacking = filled_up(batch, self.fixed_batch)
        vectors: NDArray[np.float32] = self._session.run(None, {self._name: filled})[0]
        return vectors[: len(vectors) - lacking]


def runs_on_cuda() -> bool:
    """Whether the installed ONNX Runtime is one for CUDA."""
    import onnxruntime

    return "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def _version() -> str:
    import onnxruntime

    return str(onnxruntime.__version__)


def _device(session: Any) -> str:
    return "cuda" if "CUDAExecutionProvider" in session.get_providers() else "cpu"


def open_session(path: Path, content: bytes, threads: int, *, cuda: bool, gpu: int = 0) -> Any:
    """ONNX Runtime's session for the bytes of a file, on that CUDA device or the CPU.

    Raises:
        InputError: not an ONNX file that runs here, or its weights lie in another file.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin between two frames take the cores from the detector.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4
    providers = [("CUDAExecutionProvider", {"device_id": gpu})] if cuda else []
    try:
        return onnxruntime.InferenceSession(content, options, providers=[*providers, "CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no base class for its errors
        if "external data" in str(error).lower() or "model_path" in str(error):
            hint = "its weights lie in another file; save it as one file"
        else:
            hint = "not an ONNX file that this ONNX Runtime can run; export it again"
        raise InputError(f"{path}: {hint} ({line_of(error)})") from None


def _check_graph(path: Path, session: Any) -> tuple[str, tuple[int | None, int | None, int | None]]:
    """Name of the input, and its fixed batch, height and width; None where the graph leaves them open."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or len(outputs) != 1:
        names = ", ".join(item.name[:40] for item in [*inputs, *outputs][:6])
        raise InputError(
            f"{path}: has {len(inputs)} inputs and {len(outputs)} outputs ({names}); "
            "expected one of each: images in, vectors out"
        )
    kinds = {inputs[0].type, outputs[0].type}
    if kinds != {"tensor(float)"}:
        raise InputError(f"{path}: works on {', '.join(sorted(kinds))}; expected tensor(float): export it in float32")
    shape = inputs[0].shape
    if len(shape) != 4:
        raise InputError(f"{path}: takes input of shape {shape}; expected (batch, 3, height, width)")
    if isinstance(shape[1], int) and shape[1] != 3:
        remedy = "it is NHWC; export it as NCHW" if shape[3] == 3 else "it does not take colour images"
        raise InputError(f"{path}: takes input of shape {shape}; expected (batch, 3, height, width): {remedy}")
    batch, _, height, width = (side if isinstance(side, int) and side > 0 else None for side in shape)
    if batch is not None and batch > 1024:
        raise InputError(f"{path}: takes {batch} crops at once, expected at most 1024; export it with a dynamic batch")
    return inputs[0].name, (batch, height, width)


def line_of(error: Exception) -> str:
    """What a runtime says in one short line."""
    return " ".join(str(error).split())[:200]
