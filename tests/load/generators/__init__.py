"""Tests of perflab/load/generators/."""
