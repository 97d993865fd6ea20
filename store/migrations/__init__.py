"""Alembic's scripts: how the tables came to be what `rulefarm.database.tables` says they are."""
