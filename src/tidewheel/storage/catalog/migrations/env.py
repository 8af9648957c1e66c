"""What alembic runs: the scripts, on the connection it was handed, in the transaction that is already open."""

from alembic import context

from tidewheel.storage.catalog.tables import metadata

if hasattr(context, "config"):  # only while Alembic runs; anybody may import this file
    context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
    context.run_migrations()
