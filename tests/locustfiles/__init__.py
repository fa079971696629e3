"""Tests of locustfiles/."""
