"""Tests of perflab/measure/."""
