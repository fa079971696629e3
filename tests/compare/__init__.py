"""Tests of perflab/compare/."""
