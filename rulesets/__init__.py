"""The domains that ship, and what reads a domain from its folder.  folder -> [loader] -> engine; cases -> [cases]

A domain is a folder: `domain.toml` (the facts), `*.grl` and `*.csv` (the rules), `cases.toml` (facts in, verdict out).
docs/rulesets.md shows how to write one. Files are opened here and nowhere below."""
