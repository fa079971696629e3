"""Tests of perflab/caches/."""
