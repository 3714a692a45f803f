"""How Alembic runs here: on the connection that `model_core.registry.database.migrate` hands over."""

from alembic import context

from model_core.registry.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_schemas=True,
    **context.config.attributes["options"],
)
context.run_migrations()
