"""Tests of perflab/web/."""
