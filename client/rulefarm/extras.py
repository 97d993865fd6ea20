"""Modules that only some producers need.  [extras] -> farm

A producer that sends no batches installs no polars, and one without a database no SQLAlchemy."""

from importlib import import_module
from typing import Any

from rulefarm.errors import SettingsError


def extra(module: str, name: str) -> Any:
    """A module that needs what only an extra installs.

    Args:
        module: of the client.
        name: of the extra.

    Raises:
        SettingsError: the extra is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise SettingsError(
            "extra-missing", f"{error.name} is not installed", f"pip install 'rulefarm[{name}]'"
        ) from error
