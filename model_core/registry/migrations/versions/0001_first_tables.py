"""Make the first tables of the registry."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _schema() -> str | None:
    return "ml" if op.get_bind().dialect.name == "postgresql" else None


def _key(table: str) -> str:
    return f"{table}.id" if _schema() is None else f"{_schema()}.{table}.id"


def upgrade() -> None:
    schema = _schema()
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "datasets",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        schema=schema,
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("recipe", sa.String(100), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("dataset_id", sa.Uuid(), sa.ForeignKey(_key("datasets"))),
        sa.Column("pid", sa.Integer()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("started_at", moment),
        sa.Column("finished_at", moment),
        schema=schema,
    )
    op.create_index("ix_ml_runs_state", "runs", ["state"], schema=schema)
    op.create_table(
        "metrics",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.Uuid(), sa.ForeignKey(_key("runs"), ondelete="CASCADE"), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        schema=schema,
    )
    op.create_index("metrics_run_name_step", "metrics", ["run_id", "name", "step"], schema=schema)
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("run_id", sa.Uuid(), sa.ForeignKey(_key("runs"))),
        sa.Column("parent_id", sa.Uuid(), sa.ForeignKey(_key("checkpoints"))),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format_version", sa.Integer(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.UniqueConstraint("version", name="checkpoints_version"),
        schema=schema,
    )
    op.create_table(
        "aliases",
        sa.Column("name", sa.String(50), primary_key=True),
        sa.Column("checkpoint_id", sa.Uuid(), sa.ForeignKey(_key("checkpoints")), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        schema=schema,
    )
    op.create_table(
        "alias_changes",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("name", sa.String(50), nullable=False),
        sa.Column("checkpoint_id", sa.Uuid(), sa.ForeignKey(_key("checkpoints")), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("changed_at", moment, nullable=False),
        schema=schema,
    )
    op.create_index("ix_ml_alias_changes_name", "alias_changes", ["name"], schema=schema)


def downgrade() -> None:
    for table in ("alias_changes", "aliases", "checkpoints", "metrics", "runs", "datasets"):
        op.drop_table(table, schema=_schema())
