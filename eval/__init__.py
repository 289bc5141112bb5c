"""MOT benchmark evaluation: files in, numbers out. Needs numpy, scipy and motmetrics; never torch.

from remix_track.eval import evaluate, score_sequence
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from remix_track.eval.api import evaluate, score_sequence

__all__ = ["evaluate", "score_sequence"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import remix_track.eval` costs nothing (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'remix_track.eval' has no attribute {name!r}")
    from remix_track.eval import api

    return getattr(api, name)
