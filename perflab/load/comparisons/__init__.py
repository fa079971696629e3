"""Comparisons under load: worker classes, and settings turned on and off."""
