from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("movies", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Seeding",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "recipe",
                    models.PositiveSmallIntegerField(
                        verbose_name="version of the rules that made the rows"
                    ),
                ),
                ("seed", models.PositiveIntegerField()),
                ("directors", models.PositiveIntegerField(default=0)),
                ("movies", models.PositiveIntegerField(default=0)),
                ("links", models.PositiveIntegerField(default=0, verbose_name="films' countries")),
                ("reviews", models.PositiveIntegerField(default=0)),
            ],
        ),
    ]
