"""Import a module that only an extra installs.  [optional_imports] -> farm, tasks.durable_rules

A producer that sends no batches installs no polars, one without a database no SQLAlchemy, and a worker without patterns
no durable-rules."""

from importlib import import_module
from typing import Any

from rulefarm.errors import SettingsError


def require_extra(module: str, name: str, of: str = "rulefarm") -> Any:
    """A module that needs what only an extra installs.

    Args:
        module: what to import.
        name: of the extra.
        of: the distribution that has it; default the client.

    Raises:
        SettingsError: the extra is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise SettingsError(
            "extra-missing", f"{error.name} is not installed", f"install {of} with its extra: {of}[{name}]"
        ) from error
