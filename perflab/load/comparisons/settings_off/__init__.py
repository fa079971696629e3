"""Settings with one switch turned off, each in a file: `manage.py tune` compares them."""
