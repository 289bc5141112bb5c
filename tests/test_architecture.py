"""Who may import whom, what `import` may cost, and that the package holds every folder."""

import ast
import functools
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import remix_track

ROOT = Path(remix_track.__file__).parent
# From the ground up. A room imports itself and what stands in a line above its own; rooms of one line do not import
# each other. A module that needs more than its room may have belongs into a higher room.
ROOMS = """
ground
tuning encoder synthetic eval.benchmarks trackers.frame trackers.stage_clock interop viewer counting
eval.matching trackers.association trackers.drawing trackers.sinks trackers.sources trackers.detectors
eval.metrics trackers.linking
eval.report
eval.files trackers.settings trackers.tracker
eval.evaluation trackers.pipeline
eval.several
eval.verification eval.api trackers.api
benchmark_runs
data
data.readers data.crops retrieval store
training store.archive counting.store_feet detector_training
studies server
cli
"""
HEAVY = {
    "torch",
    "torchvision",
    "ultralytics",
    "av",
    "cv2",
    "onnxruntime",
    "openvino",
    "pyarrow",
    "scipy",
    "sklearn",
    "motmetrics",
    "rich",
}


@functools.cache
def modules() -> dict[str, Path]:
    """Module name -> file, for every module of the package."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = ("remix_track", *path.relative_to(ROOT).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    # rglob does not follow the two links of a checkout.
    for room in ("trackers", "eval"):
        for path in (ROOT / room).resolve().rglob("*.py"):
            parts = ("remix_track", room, *path.relative_to((ROOT / room).resolve()).with_suffix("").parts)
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room(module: str) -> str:
    """The longest name in `ROOMS` that a module begins with; what lies beside the rooms is ground."""
    name = module.removeprefix("remix_track.")
    found = [one for one in ROOMS.split() if starts({name}, one)]
    if not found and "." in name:
        return name
    return max(found, key=len, default="ground")


@functools.cache
def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names} & set(modules())
    return found


def classes(path: Path) -> dict[str, set[str]]:
    """Each class of a file and the names of its bases, without their module and what they are parametrised by."""
    found = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    return {one.name: {ast.unparse(base).partition("[")[0].rpartition(".")[2] for base in one.bases} for one in found}


def starts(names: set[str], *prefixes: str) -> set[str]:
    return {name for name in names if any(name == p or name.startswith(p + ".") for p in prefixes)}


def test_modules_are_found():
    assert {"remix_track.boxes", "remix_track.trackers.frame", "remix_track.eval", "remix_track.cli.main"} <= set(
        modules()
    )


@pytest.mark.parametrize("name", sorted(modules()))
def test_nobody_imports_across_a_border(name):
    used = imports(modules()[name])
    forbidden: tuple[str, ...]
    if starts({name}, "remix_track.eval"):
        forbidden = (
            "torch",
            "torchvision",
            "ultralytics",
            "remix_track.trackers",
            "remix_track.encoder",
            "remix_track.cli",
        )
    elif starts({name}, "remix_track.trackers"):
        forbidden = ("remix_track.eval", "remix_track.cli", "remix_track.synthetic")
    elif starts({name}, "remix_track.cli") or name == "remix_track":
        forbidden = ()
    elif starts({name}, "remix_track.store", "remix_track.server"):
        forbidden = ("remix_track.cli",)
    elif name == "remix_track.benchmark_runs":
        # The tracker's run over what the evaluation found: between both, so that neither knows the other.
        forbidden = ("torch", "ultralytics", "remix_track.cli")
    elif name == "remix_track.data.crops.harvest":
        # Raw videos become crops here, and nowhere else: who trains asks for a data set.
        forbidden = ("torch", "ultralytics", "remix_track.eval", "remix_track.cli")
    elif starts({name}, "remix_track.detector_training"):
        # It makes one of the trackers' detectors, with another one as the teacher.
        forbidden = ("remix_track.eval", "remix_track.cli")
    else:
        forbidden = ("remix_track.trackers", "remix_track.eval", "remix_track.cli")
    assert not starts(used, *forbidden)


def test_no_file_imports_up_a_room():
    height = {one: number for number, line in enumerate(ROOMS.splitlines()) for one in line.split()}
    # These have the public names, which are loaded when they are asked for.
    names = sorted(set(modules()) - {"remix_track", "remix_track.trackers", "remix_track.eval"})
    assert {room(name) for name in names} - set(height) == set(), "say in ROOMS what they stand on"
    used = [(name, other) for name in names for other in imports(modules()[name]) & set(names)]
    assert len(used) > 500
    up = [
        (name, other) for name, other in used if room(name) != room(other) and height[room(other)] >= height[room(name)]
    ]
    assert up == []


def test_the_encoder_needs_neither_the_renderer_nor_a_training():
    room_of_networks = starts(set(modules()), "remix_track.encoder")
    used = set().union(*(imports(modules()[name]) for name in room_of_networks))
    assert "remix_track.encoder.crops" in used
    assert not starts(used, "remix_track.synthetic", "remix_track.training")


@pytest.mark.parametrize("name", sorted(starts(set(modules()), "remix_track.cli") | {"remix_track"}))
def test_command_lines_import_nothing_heavy_at_the_top(name):
    assert not starts(imports(modules()[name], top_level_only=True), *HEAVY)


def test_no_class_inherits_from_another_of_ours():
    """Except for exceptions and Protocols; what is shared is a part that both are given."""
    found = [one for path in modules().values() for one in classes(path).items()]
    ours = {name for name, _ in found}
    assert {"TrackLifeCycle", "KalmanFilter", "Sink", "VideoSink", "Progress"} <= ours
    # The evaluation has a class of its own that is called Protocol; none inherits from that.
    allowed = {"Protocol", "InputError"} | {name for name, bases in found if "Protocol" in bases}
    assert [(name, bases & ours - allowed) for name, bases in found if bases & ours - allowed] == []


def test_cores_cache_folder_and_pools_have_one_owner():
    text = {name: path.read_text(encoding="utf-8") for name, path in modules().items()}

    def owners(*words: str) -> list[str]:
        return [name for name, content in text.items() if any(word in content for word in words)]

    assert owners("sched_getaffinity", "cpu_count") == ["remix_track.machine"]
    assert owners('"XDG_CACHE_HOME"') == ["remix_track.machine"]
    assert owners("ThreadPoolExecutor") == []
    assert [name for name, content in text.items() if "def sha256" in content] == ["remix_track.digests"]


def test_help_loads_no_heavy_package():
    """`--help` must answer at once, so what it loads is checked (not the seconds it took on this machine)."""
    code = (
        "import sys; from remix_track.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('LOADED', sorted({HEAVY!r} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "remix-track video.mp4" in run.stdout
    assert run.stdout.splitlines()[-1] == "LOADED []"


def test_the_package_list_names_every_folder():
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    listed = tomllib.loads(pyproject.read_text())["tool"]["setuptools"]["packages"]
    with_code = {name if path.name == "__init__.py" else name.rpartition(".")[0] for name, path in modules().items()}
    assert sorted(listed) == sorted(with_code)
