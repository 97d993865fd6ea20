"""The files of tests as pytest rewrites them, made once for all workers.  tests/ -> [rewritten] -> __pycache__

pytest writes every assertion anew, so that it can say what it found: six seconds of a fresh checkout. Workers begin
together, find none of it done, and each would do all of it."""

import sys
from contextlib import suppress
from importlib.util import find_spec, module_from_spec
from pathlib import Path

_CHECKOUT = Path(__file__).parents[1]


def rewrite_once() -> None:
    """Have every file of tests rewritten beside it, unless Python is to write nothing. Runs none of them."""
    if sys.dont_write_bytecode:
        return
    for file in sorted(Path(__file__).parent.rglob("test_*.py")):
        spec = find_spec(".".join(file.relative_to(_CHECKOUT).with_suffix("").parts))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        # A module is written before it runs, and without builtins it ends at its first import. What is no Python says
        # so to whoever collects it.
        vars(module)["__builtins__"] = {}
        with suppress(ImportError, SyntaxError):
            spec.loader.exec_module(module)
