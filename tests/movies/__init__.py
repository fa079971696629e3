"""Tests of movies/."""
