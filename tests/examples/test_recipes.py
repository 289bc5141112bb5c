"""The notebook and the recipes for other packages run; those whose package is not here are skipped."""

import ast
import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from tests.examples.test_examples import EXAMPLES, run, street  # noqa: F401 (fixtures)

NOTEBOOK = EXAMPLES / "tracking.ipynb"
RECIPES = {"show_in_rerun": "rerun", "gradio_app": "gradio", "open_in_fiftyone": "fiftyone"}
MOST_LINES = 20


def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    client = pytest.importorskip("nbclient", reason="no nbclient here; it is in the extra dev")
    pytest.importorskip("ipykernel", reason="no ipykernel here; it is in the extra dev")
    nbformat = pytest.importorskip("nbformat")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    client.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [one for cell in notebook.cells if cell.cell_type == "code" for one in cell.outputs]
    said = "".join(one.get("text", "") for one in outputs)
    assert re.search(r"^\d+ people$", said, re.MULTILINE)
    shown = {kind for one in outputs for kind in one.get("data", {})}
    assert {"text/html", "image/jpeg"} <= shown, "a table and a frame"
    assert (tmp_path / "street/people.html").is_file()


def test_the_notebook_is_kept_without_its_outputs():
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_has_at_most_twenty_lines(name):
    text = (EXAMPLES / f"{name}.py").read_text("utf-8")
    documentation = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node)
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    code = [
        line
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#") and number not in documentation
    ]
    assert 5 < len(code) <= MOST_LINES


def test_show_in_rerun(run, street, tmp_path):  # noqa: F811
    pytest.importorskip("rerun", reason="no rerun here; pip install rerun-sdk")
    run("show_in_rerun", street / "street.mp4", "tracks.rrd")
    content = (tmp_path / "tracks.rrd").read_bytes()
    assert content[:3] == b"RRF"
    assert b"image/people" in content


def test_gradio_app(street, tmp_path, monkeypatch, run):  # noqa: F811
    pytest.importorskip("gradio", reason="no gradio here; pip install gradio")
    client = pytest.importorskip("gradio_client")
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, str(int(name.startswith("HF"))))
    app = runpy.run_path(str(EXAMPLES / "gradio_app.py"), run_name="recipe")["app"]
    _, address, _ = app.launch(server_name="127.0.0.1", prevent_thread_lock=True, quiet=True)
    try:
        asked = client.Client(address, verbose=False, download_files=str(tmp_path))
        video, said = asked.predict(client.handle_file(street / "street.mp4"), api_name="/tracked")
    finally:
        app.close()
    assert re.fullmatch(r"\d+ people in 20 frames", said)
    assert Path(video["video"] if isinstance(video, dict) else video).stat().st_size > 1000


def test_open_in_fiftyone(run, street, tmp_path, monkeypatch):  # noqa: F811
    pytest.importorskip("fiftyone.core", reason="no FiftyOne here; pip install fiftyone")
    import fiftyone as fo

    try:
        fo.list_datasets()
    except Exception as error:  # its package for this system brings no MongoDB, and none is running
        pytest.skip(f"FiftyOne does not start here: {type(error).__name__}")
    assert "20 frames in the data set remix-track\n" in run("open_in_fiftyone", street / "street.mp4")
    dataset = fo.load_dataset("remix-track")
    frames = dataset.first().frames
    boxes = np.array([one.bounding_box for frame in frames.values() for one in frame.people.detections])
    assert len(boxes) > 20
    assert {one.index for one in frames[20].people.detections} >= {1}
    dataset.delete()


def test_every_recipe_is_in_the_guide_and_is_run():
    tested = Path(__file__).read_text("utf-8")
    assert all(f"def test_{name}(" in tested for name in RECIPES)
    guide = EXAMPLES.parent / "docs/guide/deploying.md"
    if guide.is_file():  # the wheel's tests run without the documents
        assert all(f"`{name}.py`" in guide.read_text("utf-8") for name in [*RECIPES])
