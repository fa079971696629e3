"""Tests of whole pages in a real Chromium, against a real lab."""
