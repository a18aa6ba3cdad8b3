"""Small applications whose migrations are programs, as their tools make them."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["ALEMBIC", "DJANGO", "RAILS", "WEIGHT", "alembic", "django", "knex", "rails"]
__all__ += ["revision", "typeorm"]

RAILS = ("ruby", "migrate.rb", "migrate")
ALEMBIC = (sys.executable, "-m", "alembic", "upgrade", "head")
DJANGO = (sys.executable, "manage.py", "migrate", "--no-input")

_ALEMBIC_INI = "[alembic]\nscript_location = migrations\n"
_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ["APP_DATABASE"]
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = """
from alembic import op
import sqlalchemy as sa

revision = {revision!r}
down_revision = {down!r}


def upgrade():
{body}


def downgrade():
    raise NotImplementedError
"""
_SETTINGS = """
import os

SECRET_KEY = "none"
INSTALLED_APPS = ["shop"]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.environ["PGDATABASE"],
        "USER": os.environ["PGUSER"],
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "OPTIONS": {"server_side_binding": os.environ.get("SERVER_SIDE") == "1"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
"""
_MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
_FIRST = """
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Parcel",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=40)),
                ("details", models.JSONField(default=dict)),
            ],
        ),
    ]
"""
_SECOND = """
from django.db import migrations, models


def fill(apps, schema_editor):
    Parcel = apps.get_model("shop", "Parcel")
    Parcel.objects.bulk_create(
        Parcel(label=f"it's {number} \\\\ $1", details={"weight": number, "of": None})
        for number in range(3)
    )
    Parcel.objects.filter(label__startswith="it's 1").update(weight=7)


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        migrations.AddField("Parcel", "weight", models.IntegerField(null=True, db_index=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            "Parcel",
            models.CheckConstraint(condition=models.Q(weight__lt=100), name="parcel_is_light"),
        ),
    ]
"""
_MODELS = """
from django.db import models


class Parcel(models.Model):
    label = models.CharField(max_length=40)
    details = models.JSONField(default=dict)
    weight = models.IntegerField(null=True, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(weight__lt=100), name="parcel_is_light")
        ]
"""
_MIGRATE = """
require "active_record"

ActiveRecord::Base.establish_connection(ENV["DATABASE_URL"])
context = ActiveRecord::MigrationContext.new("db/migrate", ActiveRecord::SchemaMigration)
if ARGV == ["migrate"]
  context.migrate
elsif context.needs_migration?
  abort "migrations are pending"
else
  context.migrations_status.each { |status, version, name| puts "#{status} #{version} #{name}" }
end
"""
_CREATE_CRATES = """
class CreateCrates < ActiveRecord::Migration[6.1]
  class Crate < ActiveRecord::Base
    self.table_name = "crates"
    self.record_timestamps = false
  end

  def up
    create_table :crates do |t|
      t.string :label, null: false, index: { unique: true }
      t.jsonb :details
      t.timestamps default: -> { "now()" }
    end
    Crate.create!(label: "it's \\\\ $1", details: { weight: 1, of: nil })
  end
end
"""
_ADD_WEIGHT = """
class AddWeight < ActiveRecord::Migration[6.1]
  disable_ddl_transaction!

  def change
    add_column :crates, :weight, :integer
    add_index :crates, :weight, algorithm: :concurrently
  end
end
"""
_KNEXFILE = """
const { PGHOST, PGPORT, PGUSER, PGDATABASE } = process.env;
const connection = { host: PGHOST, port: PGPORT, user: PGUSER, database: PGDATABASE };
module.exports = { client: "pg", connection };
"""
_KNEX = """
exports.up = async (knex) => {
  await knex.schema.createTable("crate", (table) => {
    table.increments();
    table.string("label").notNullable();
    table.jsonb("details");
  });
  await knex("crate").insert({ label: "it's", details: { weight: 1 } });
};
exports.down = (knex) => knex.schema.dropTable("crate");
"""
_DATA_SOURCE = """
const { DataSource } = require("typeorm");
module.exports = new DataSource({
  type: "postgres",
  url: process.env.DATABASE_URL,
  migrations: ["migrations/*.js"],
});
"""
_TYPEORM = """
module.exports = class Crate1700000000000 {
  async up(runner) {
    await runner.query("CREATE TABLE crate (id serial PRIMARY KEY, label text, details jsonb)");
    const row = ["it's", { weight: 1 }];
    await runner.query("INSERT INTO crate (label, details) VALUES ($1, $2)", row);
  }
  async down(runner) {
    await runner.query("DROP TABLE crate");
  }
};
"""
# Without a lock that makes writers wait, outside of a transaction.
WEIGHT = """
op.add_column("parcel", sa.Column("weight", sa.Integer))
with op.get_context().autocommit_block():
    op.create_index("parcel_weight", "parcel", ["weight"], postgresql_concurrently=True)
"""
_TABLE = """
op.create_table(
    "parcel",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
)
"""


def alembic(folder: Path) -> Path:
    """One with a revision that makes a table."""
    (folder / "migrations" / "versions").mkdir(parents=True)
    (folder / "alembic.ini").write_text(_ALEMBIC_INI)
    (folder / "migrations" / "env.py").write_text(_ENV)
    revision(folder, "0001", _TABLE)
    return folder


def revision(folder: Path, name: str, body: str, *, down: str | None = None) -> None:
    """A file of a migration of Alembic's."""
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    text = _REVISION.format(revision=name, down=down, body=indented)
    (folder / "migrations" / "versions" / f"{name}_x.py").write_text(text)


def rails(folder: Path) -> None:
    """With ActiveRecord alone: of Rails, nothing else takes part in a migration."""
    migrations = folder / "db" / "migrate"
    migrations.mkdir(parents=True)
    (folder / "migrate.rb").write_text(_MIGRATE)
    (migrations / "20260101000000_create_crates.rb").write_text(_CREATE_CRATES)
    (migrations / "20260102000000_add_weight.rb").write_text(_ADD_WEIGHT)


def knex(folder: Path) -> Path:
    """One with a migration that makes a table and a row."""
    (folder / "migrations").mkdir(parents=True)
    (folder / "knexfile.js").write_text(_KNEXFILE)
    (folder / "migrations" / "20260101000000_crate.js").write_text(_KNEX)
    return folder


def typeorm(folder: Path) -> Path:
    """The same."""
    (folder / "migrations").mkdir(parents=True)
    (folder / "data-source.js").write_text(_DATA_SOURCE)
    (folder / "migrations" / "1700000000000-crate.js").write_text(_TYPEORM)
    return folder


def django(folder: Path) -> Path:
    """One with two migrations of an application `shop`; the second one writes rows."""
    package = folder / "shop" / "migrations"
    package.mkdir(parents=True)
    for path, text in {
        folder / "settings.py": _SETTINGS,
        folder / "manage.py": _MANAGE,
        folder / "shop" / "__init__.py": "",
        folder / "shop" / "models.py": _MODELS,
        package / "__init__.py": "",
        package / "0001_initial.py": _FIRST,
        package / "0002_weight.py": _SECOND,
    }.items():
        path.write_text(text)
    return folder
