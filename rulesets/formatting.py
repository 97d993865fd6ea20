"""The GRL files of a domain in canonical form, for `rulefarm rules format`.

Takes a file, gives its content and the content that it should have; writes nothing. Reads the domain.toml beside it,
for a quantifier can be read in two ways unless it is certain which facts are lists."""

import os
from pathlib import Path

from engine import format_rules, parse_schema
from rulesets.folders import SCHEMA_FILE, read_file, shown
from rulesets.loader import domain_files


def grl_files(root: Path | str, domain: str) -> list[Path]:
    """The GRL files of a domain, by name.

    Args:
        root: the folder that holds one folder per domain.
        domain: name of the folder.

    Raises:
        NotFound: there is no such domain.
        RulesetUnreadable: the folder can't be read.
    """
    return [file for file in domain_files(root, domain) if file.suffix.lower() == ".grl"]


def formatted(file: Path) -> tuple[bytes, bytes]:
    """The content of a GRL file, and the content that it should have.

    Args:
        file: the file.

    Raises:
        RulesetUnreadable: it can't be read.
        engine.EngineError: it has problems, or can't be formatted without a loss.
    """
    schema = file.parent / SCHEMA_FILE
    known = parse_schema(read_file(schema), shown(schema)) if os.path.isfile(schema) else None
    old = read_file(file)
    if known is None:
        return old, format_rules(old, shown(file)).encode()
    return old, format_rules(old, shown(file), known.list_facts, known.calls).encode()
