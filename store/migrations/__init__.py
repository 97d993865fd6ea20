"""Alembic's scripts: how the tables came to be what `rulefarm.tables` says they are."""
