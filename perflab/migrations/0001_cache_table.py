from django.core.management import call_command
from django.db import migrations

TABLE = "lab_cache"


def create(apps, schema_editor):
    """What `manage.py createcachetable` does, so that nobody has to think of it."""
    call_command("createcachetable", TABLE, database=schema_editor.connection.alias, verbosity=0)


def drop(apps, schema_editor):
    schema_editor.execute(f"DROP TABLE {schema_editor.quote_name(TABLE)}")


class Migration(migrations.Migration):
    dependencies = []

    operations = [migrations.RunPython(create, drop)]
