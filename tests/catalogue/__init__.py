"""Tests of perflab/catalogue/."""
