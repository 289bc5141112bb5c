"""What a figure was measured on: processor, cores, releases."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from remix_track.machine import usable_cores


def machine(threads: int) -> str:
    """The processor's name and its matrix instructions, cores, threads and our releases, as two lines."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    facts = dict(part for part in (line.split("\t: ") for line in text.splitlines()) if len(part) == 2)
    facts = {name.strip(): value for name, value in facts.items()}
    flags = set(facts.get("flags", "").split())
    abilities = [name for name in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16") if name in flags]
    cpu = f"{facts.get('model name', platform.processor())} (family {facts.get('cpu family')}, {' '.join(abilities)})"
    names = ("remix-track", "torch", "openvino", "onnxruntime", "opencv-python", "numpy")
    releases = ", ".join(f"{name} {_release(name)}" for name in names)
    return f"{cpu}, {usable_cores()} cores, {threads} threads\nPython {platform.python_version()}, {releases}"


def _release(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"
