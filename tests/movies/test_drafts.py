"""Test the drafts that experiments commit and delete."""

from datetime import timedelta

import pytest
from django.utils import timezone

from movies.drafts import LEFT_BEHIND, temporary_batch
from movies.models import Draft

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("age", "stays"),
    [(LEFT_BEHIND - MINUTE, 1), (LEFT_BEHIND + MINUTE, 0), (-MINUTE, 1), (-LEFT_BEHIND * 2, 0)],
)
def test_drafts_of_another_time_are_deleted_and_those_of_others_stay(age, stays):
    Draft.objects.create(batch="other", title="x", year=1, made=timezone.now() - age)

    with temporary_batch() as batch:
        Draft.objects.create(batch=batch, title="y", year=1)

    assert Draft.objects.count() == stays
