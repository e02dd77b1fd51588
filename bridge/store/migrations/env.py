"""Alembic's entry: runs the migrations on the connection it is handed, inside that connection's transaction."""

from alembic import context

from bridge.store.tables_loyalty import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
