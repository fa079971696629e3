"""The collection: real films first, then synthetic ones, each with countries and reviews."""

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string


def register_number():
    """Return an expression for a film's number in the archive's register, which no other film has.

    The films were entered in boxes of 1,024, in no order within a box. If the numbers were in no
    order over the whole of a large table, an index on them would make every insert a search on the
    disk.
    """
    box, place = F("id") / 1024, F("id") % 1024
    return box * 1024 + place * 397 % 1024  # since 397 is odd, no two places get the same number


class Director(models.Model):
    """A directing credit as written: co-directors ("Joel Coen, Ethan Coen") are one Director."""

    name = models.CharField(max_length=200)

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("director", args=[self.pk])


class Country(models.Model):
    """A country of production."""

    code = models.CharField("ISO 3166 code", max_length=4, unique=True)
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "countries"

    def __str__(self):
        return self.name


class Movie(models.Model):
    """A film. A real one has an IMDb id; a synthetic one has none, and pages label it so."""

    imdb_id = models.CharField(
        "IMDb id", max_length=12, unique=True, null=True, blank=True
    )  # null, not "": under a unique index many films may have null, but only one may have ""
    title = models.CharField(max_length=300)
    original_title = models.CharField(max_length=300, blank=True)
    year = models.PositiveSmallIntegerField()
    minutes = models.PositiveSmallIntegerField("running time (minutes)")
    synopsis = models.TextField("synopsis (always synthesised)")
    director = models.ForeignKey(Director, on_delete=models.CASCADE, related_name="movies")
    countries = models.ManyToManyField(Country, related_name="movies")
    # The same number stands in two columns, without an index and with one. The database computes
    # both, so whoever writes films need not know of them.
    register = models.GeneratedField(
        expression=register_number(), output_field=models.PositiveIntegerField(), db_persist=True
    )
    register_indexed = models.GeneratedField(
        expression=register_number(),
        output_field=models.PositiveIntegerField(),
        db_persist=True,
        db_index=True,
    )

    class Meta:
        indexes = [
            models.Index(fields=["year", "id"], name="movie_year_id"),
            models.Index(Lower("imdb_id"), name="movie_lower_imdb_id"),
        ]

    def __str__(self):
        return f"{self.title} ({self.year})"

    def get_absolute_url(self):
        return reverse("film", args=[self.pk])

    @property
    def credit(self):
        """Return the film with its director, as a programme prints it."""
        return f"{self.title}, by {self.director.name}"

    @property
    def is_synthetic(self):
        """Return whether the film was invented by `manage.py seed`."""
        return self.imdb_id is None


class Review(models.Model):
    """A reader's opinion of a film, always synthesised."""

    movie = models.ForeignKey(Movie, on_delete=models.CASCADE, related_name="reviews")
    reviewer = models.CharField(max_length=60)
    score = models.PositiveSmallIntegerField("score (1 to 10)")
    text = models.TextField()

    def __str__(self):
        return f"{self.reviewer}: {self.score}/10"


class Seeding(models.Model):
    """What `manage.py seed` or `import_imdb` has written: one row, changed along with the films."""

    recipe = models.PositiveSmallIntegerField("version of the rules that made the rows")
    seed = models.PositiveIntegerField()
    # How many rows were written so far. In each table their ids go from 1 to this number.
    directors = models.PositiveIntegerField(default=0)
    movies = models.PositiveIntegerField(default=0)
    links = models.PositiveIntegerField("films' countries", default=0)
    reviews = models.PositiveIntegerField(default=0)
    version = models.CharField("another text after each change", max_length=16, default="")

    def __str__(self):
        return f"{self.movies} films of seed {self.seed}"

    def save(self, **options):
        """Save the row, with a new version: two imports may be alike in all other columns."""
        self.version = get_random_string(16)
        super().save(**options)


class Tonight(models.Model):
    """The film of the evening. There is at most one row, from the first change on.

    It has no foreign key, so that whoever rewrites the films need not know of it.
    """

    film_id = models.PositiveIntegerField("id of the film", default=1)
    changes = models.PositiveIntegerField("how often it was changed", default=0)

    class Meta:
        verbose_name_plural = "tonight"

    def __str__(self):
        return f"film {self.film_id}"

    @classmethod
    def now(cls):
        """Return the row of the film that is announced now: 1 query."""
        return cls.objects.first() or cls()

    @classmethod
    def change(cls):
        """Announce the next film of the collection; the first one follows the last one."""
        with transaction.atomic():
            tonight = cls._lock()
            films = Movie.objects.order_by("id")
            film = films.filter(id__gt=tonight.film_id).first() or films.first()
            tonight._announce(film.id if film else 1)

    @classmethod
    def announce(cls, film_id):
        """Announce this film, unless it is announced already."""
        with transaction.atomic():
            tonight = cls._lock()
            if tonight.film_id != film_id:
                tonight._announce(film_id)

    @classmethod
    def _lock(cls):
        """Return the row, which nobody else changes until this transaction ends."""
        cls.objects.get_or_create(pk=1)
        return cls.objects.select_for_update().get(pk=1)

    def _announce(self, film_id):
        self.film_id = film_id
        self.changes += 1
        self.save()


class Draft(models.Model):
    """A film that an experiment writes and deletes again within one request."""

    batch = models.CharField("the request that wrote it", max_length=16, db_index=True)
    made = models.DateTimeField(default=timezone.now)
    title = models.CharField(max_length=300)
    year = models.PositiveSmallIntegerField()
    votes = models.PositiveIntegerField(default=0)

    def __str__(self):
        return f"{self.title} ({self.year})"


class Poll(models.Model):
    """A number of votes: of the poll of the evening, or of one that a request makes and deletes."""

    name = models.CharField(max_length=16, unique=True)
    votes = models.PositiveIntegerField(default=0)
    made = models.DateTimeField(default=timezone.now)

    def __str__(self):
        return f"{self.name}: {self.votes}"


class Print(models.Model):
    """Where the archive keeps the print of a film, as it has said last."""

    film = models.PositiveIntegerField(unique=True)
    place = models.CharField(max_length=60)

    def __str__(self):
        return f"film {self.film}: {self.place}"


class Listing(models.Model):
    """A film in a cinema's programme. An experiment writes it and deletes it within one request."""

    batch = models.CharField("the request that wrote it", max_length=16)
    film = models.PositiveIntegerField()
    title = models.CharField(max_length=300)
    minutes = models.PositiveSmallIntegerField()
    made = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["batch", "film"], name="listing_once")]

    def __str__(self):
        return self.title


class VisitorSession(AbstractBaseSession):
    """The session of an experiment's visitor: the columns of Django's own table."""

    class Meta:
        verbose_name = "session of a visitor"

    @classmethod
    def get_session_store_class(cls):
        from django.contrib.sessions.backends.db import SessionStore

        return SessionStore  # which decodes the data; movies.every_page derives its own from it


class Screenplay(models.Model):
    """An invented screenplay: a row with a really long column. A migration has written them all."""

    title = models.CharField(max_length=300)
    year = models.PositiveSmallIntegerField()
    pages = models.PositiveSmallIntegerField("number of pages")
    text = models.TextField("text (always synthesised)")

    def __str__(self):
        return f"{self.title} ({self.year})"

    def count_pages(self):
        """Return the number of pages, counted in the text."""
        return self.text.count("\f") + 1


class QueuedTask(models.Model):
    """A task that a page has put into the queue. Its row is deleted when it has been run."""

    path = models.CharField("of the task", max_length=200)
    arguments = models.JSONField()
    queued = models.DateTimeField(default=timezone.now)
    taken = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField("why it has failed for good", max_length=300, default="", blank=True)

    def __str__(self):
        return f"{self.path}, attempt {self.attempts}"


class LoanColumns(models.Model):
    """What is noted when the archive lends a film."""

    film = models.PositiveIntegerField()
    borrower = models.CharField(max_length=60)
    shelf = models.PositiveIntegerField()
    days = models.PositiveSmallIntegerField()

    class Meta:
        abstract = True

    def __str__(self):
        return f"film {self.film} to {self.borrower}"


class Loan(LoanColumns):
    """A loan in a table with no index but its key's. An experiment writes it and rolls it back."""


class IndexedLoan(LoanColumns):
    """A loan in a table with an index for each column."""

    class Meta:
        indexes = [
            models.Index(fields=["film"], name="loan_film"),
            models.Index(fields=["borrower"], name="loan_borrower"),
            models.Index(fields=["shelf"], name="loan_shelf"),
            models.Index(fields=["days"], name="loan_days"),
        ]
