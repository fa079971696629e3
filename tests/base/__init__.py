"""Tests of perflab/base/."""
