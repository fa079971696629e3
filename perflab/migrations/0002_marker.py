from django.db import migrations

# As in perflab/ownership.py: by this table and its row the lab knows its database again.
TABLE, MARKER = "perflab_marker", "perflab, a teaching lab for Django performance"


class Migration(migrations.Migration):
    dependencies = [("perflab", "0001_cache_table")]

    operations = [
        migrations.RunSQL(
            [
                f"CREATE TABLE {TABLE} (project varchar(100) NOT NULL)",
                (f"INSERT INTO {TABLE} (project) VALUES (%s)", [MARKER]),
            ],
            f"DROP TABLE {TABLE}",
        )
    ]
