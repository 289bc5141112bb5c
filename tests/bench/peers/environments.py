"""The peers' virtual environments: made once from the package index, used again when they are there."""

import subprocess
import sys
from pathlib import Path

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    # pkg_resources, which it imports, left setuptools with release 81.
    "deep_sort_realtime": ("deep-sort-realtime==1.3.2", "ultralytics==8.4.190", "setuptools<81"),
    # Its trackers would install `lap` by themselves when first used.
    "ultralytics": ("ultralytics==8.4.190", "lap>=0.5.12"),
    # It asks for this very release of onnxruntime, and would install it by itself when first used.
    "boxmot": ("boxmot==25.0.0", "ultralytics==8.4.190", "onnxruntime==1.24.3"),
}
MARK = "peer.txt"


def peer_python(folder: Path, name: str) -> Path:
    """The interpreter of a peer's environment, which is made if it is not there.

    Args:
        folder: that holds all of them.
        name: key of `REQUIREMENTS`.

    Raises:
        CalledProcessError: pip failed.
    """
    place, wanted = folder / name, "\n".join(REQUIREMENTS[name])
    python = place / "bin" / "python"
    if (place / MARK).is_file() and (place / MARK).read_text() == wanted:
        return python
    print(f"installing {', '.join(REQUIREMENTS[name])}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS[name]], check=True)
    (place / MARK).write_text(wanted)
    return python


def peer_versions(folder: Path, name: str) -> str:
    """Releases of what decides the speed of a peer, as one line."""
    ask = (
        "import importlib.metadata as m\n"
        "names = ('deep-sort-realtime', 'ultralytics', 'boxmot', 'torch', 'onnxruntime', 'opencv-python')\n"
        "there = {d.metadata['Name'].lower(): d.version for d in m.distributions() if d.metadata['Name']}\n"
        "print(', '.join(f'{n} {there[n]}' for n in names if n in there))"
    )
    found = subprocess.run([peer_python(folder, name), "-c", ask], check=True, capture_output=True, text=True)
    return found.stdout.strip()
