"""The domains that ship, and the code that reads a domain from its folder.

A domain is a folder: `domain.toml` (the facts), `*.grl` and `*.csv` (the rules), `cases.toml` (facts in, verdict out).
docs/rulesets.md shows how to write one. Files are opened here and nowhere below."""
