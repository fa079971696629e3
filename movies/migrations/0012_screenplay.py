from django.db import migrations, models

from movies.seeding.screenplays import screenplays


def write_screenplays(apps, editor):
    """Write all screenplays: 120 rows, about 7 MB, in less than a second."""
    model = apps.get_model("movies", "Screenplay")
    model.objects.using(editor.connection.alias).bulk_create(
        [
            model(title=title, year=year, pages=pages, text=text)
            for title, year, pages, text in screenplays()
        ],
        batch_size=20,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("movies", "0011_session"),
    ]

    operations = [
        migrations.CreateModel(
            name="Screenplay",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=300)),
                ("year", models.PositiveSmallIntegerField()),
                ("pages", models.PositiveSmallIntegerField(verbose_name="number of pages")),
                ("text", models.TextField(verbose_name="text (always synthesised)")),
            ],
        ),
        migrations.RunPython(write_screenplays, migrations.RunPython.noop),
        migrations.RunSQL("ANALYZE movies_screenplay", migrations.RunSQL.noop),
    ]
