"""Tests of movies/seeding/ and of the command seed."""
