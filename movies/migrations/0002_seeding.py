from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('movies', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Seeding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('recipe', models.PositiveSmallIntegerField(verbose_name='version of the rules that made the rows')),
                ('seed', models.PositiveIntegerField()),
                ('movies', models.PositiveIntegerField(verbose_name='films written, with the ids 1 to this')),
                ('links', models.PositiveIntegerField(verbose_name='rows that join films to countries, likewise')),
                ('reviews', models.PositiveIntegerField(verbose_name='reviews written, likewise')),
            ],
        ),
    ]
