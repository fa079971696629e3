"""Tests of movies/imdb/ and of the command import_imdb."""
