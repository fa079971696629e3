"""Variants of a page measured against each other.

Clients that ask for pages, the runner that alternates between variants, the check that they show
the same page, the promises that they keep, reports, and the last results.
"""
