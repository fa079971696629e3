"""Tests of perflab/load/comparisons/."""
