"""What is taught: the registry of experiments.

Beside the registry live the knobs of an experiment's page, the sources that the page shows, and the
query-count test that a reader can copy.
"""
