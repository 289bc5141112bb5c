"""Facts of stores as Prometheus reads them: its text format 0.0.4."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number.

    Attributes:
        value: the number; samples that are not finite are left out.
        labels: what it is of, by label.
    """

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """Numbers of one kind, all of them gauges: a store can lose what it had.

    Attributes:
        name: with its unit at the end.
        about: one line.
        samples: the numbers.
    """

    name: str
    about: str
    samples: Sequence[Sample]


def prometheus_text(metrics: Iterable[Metric]) -> str:
    """The text; metrics without a number are left out."""
    return "".join(map(_block, metrics))


def _block(metric: Metric) -> str:
    samples = [one for one in metric.samples if math.isfinite(one.value)]
    if not samples:
        return ""
    about = metric.about.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {metric.name} {about}", f"# TYPE {metric.name} gauge"]
    lines += [f"{metric.name}{_labels(one.labels)} {one.value:.15g}" for one in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
