from django.db import migrations, models
from django.db.models import F


def register(**options):
    return models.GeneratedField(
        expression=F("id") / 1024 * 1024 + F("id") % 1024 * 397 % 1024,
        output_field=models.PositiveIntegerField(),
        db_persist=True,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("movies", "0002_seeding"),
    ]

    operations = [
        migrations.AddField("movie", "register", register()),
        migrations.AddField("movie", "register_indexed", register(db_index=True)),
        # The planner has to know the new columns. SQLite, which makes the table anew, has forgotten
        # the old ones too.
        migrations.RunSQL("ANALYZE movies_movie", migrations.RunSQL.noop),
    ]
