"""perflab: a performance laboratory for Django.

This package is the project and the bench: everything that measures. It knows nothing of movies.
docs/architecture.md says what lives in each of its packages.
"""
