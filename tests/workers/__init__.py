"""Tests of perflab/workers/."""
