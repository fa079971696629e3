"""A visitor who is far from the site: a small site, the wire in between, and the visitor's browser.

All three run in one event loop, for the time of one visit, on loopback ports of their own. When
the visit ends, or the process does, nothing of them is left.
"""
