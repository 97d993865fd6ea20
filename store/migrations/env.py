"""What Alembic runs for every command: hand it our tables and one connection.  store.migrate -> [env] -> versions

Takes its connection from `store.migrate`; has no configuration file and reads no environment."""

from alembic import context

from rulefarm.database import metadata
from store.migrations.filter import ours

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, include_object=ours, compare_type=True
)
with context.begin_transaction():
    context.run_migrations()
