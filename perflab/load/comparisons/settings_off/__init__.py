"""Settings with one switch turned off, each a file: `manage.py load --tuning` compares them."""
