"""Tests of perflab/launcher/."""
