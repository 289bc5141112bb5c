"""The weights that come with the package: what `default` means wherever weights are named."""

from pathlib import Path

DEFAULT = "default"
IMAGENET = "imagenet"
SHIPPED = Path(__file__).parents[1] / "weights" / "remix_mobilenet_v2.safetensors"
"""Made by `configs/shipped_weights.toml`; `remix_mobilenet_v2.md` beside it is their model card."""


def located(weights: str | Path) -> str | Path:
    """The file that `default` stands for; any other name as it is."""
    return SHIPPED if str(weights) == DEFAULT else weights
