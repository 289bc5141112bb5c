"""Optional packages: imported where they are used; one line names the extra where one is missing."""

from importlib import import_module
from types import ModuleType

from remix_track.errors import InputError


class ExtraError(InputError):
    """A package of an extra is not installed."""


def extra(module: str, name: str, purpose: str) -> ModuleType:
    """A module of a package that the extra `name` of this one brings.

    Args:
        module: such as `matplotlib.figure`.
        name: of the extra in `pyproject.toml`.
        purpose: what needs it, as the beginning of a sentence.

    Raises:
        ExtraError: the package is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.partition(".")[0]
        raise ExtraError(f"{purpose} needs the package {package}; pip install 'remix-track[{name}]'") from None
