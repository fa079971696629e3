"""Tests of perflab/web/views/."""
