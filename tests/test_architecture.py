"""Who may import whom, what `import` may cost, and that the package holds every folder."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import remix_track

ROOT = Path(remix_track.__file__).parent
HEAVY = {
    "torch",
    "torchvision",
    "ultralytics",
    "av",
    "cv2",
    "onnxruntime",
    "openvino",
    "scipy",
    "sklearn",
    "motmetrics",
    "rich",
}


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


def imports(path: Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def classes(path: Path) -> dict[str, set[str]]:
    """Each class of a file and the names of its bases, without those of the standard library's `typing`."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    typing = {
        alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "typing"
        for alias in node.names
    }
    found = [node for node in nodes if isinstance(node, ast.ClassDef)]
    return {one.name: {ast.unparse(base).rpartition(".")[2] for base in one.bases} - typing for one in found}


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
    elif name == "remix_track.data.crops.harvest":
        # Raw videos become crops here, and nowhere else: who trains asks for a data set.
        forbidden = ("torch", "ultralytics", "remix_track.eval", "remix_track.cli")
    else:
        forbidden = ("remix_track.trackers", "remix_track.eval", "remix_track.cli")
    assert not starts(used, *forbidden)


@pytest.mark.parametrize("name", sorted(starts(set(modules()), "remix_track.cli") | {"remix_track"}))
def test_command_lines_import_nothing_heavy_at_the_top(name):
    assert not starts(imports(modules()[name], top_level_only=True), *HEAVY)


def test_association_is_put_together_of_parts_that_inherit_nothing_of_ours():
    room = {name: path for name, path in modules().items() if starts({name}, "remix_track.trackers.association")}
    ours = {name for path in modules().values() for name in classes(path)}
    found = {name: bases & ours for path in room.values() for name, bases in classes(path).items()}
    assert {"TrackLifeCycle", "KalmanFilter", "Gallery", "RemixMatching"} <= set(found)
    assert {name: bases for name, bases in found.items() if bases} == {}


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
