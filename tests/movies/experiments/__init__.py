"""Tests of movies/experiments/: what holds for all, and each lesson's own."""
