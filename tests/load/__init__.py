"""Tests of perflab/load/."""
