"""The debug toolbar, for a person who inspects a page and for nobody else.

Its application and its middleware, which patch Django only while an inspected request runs, and the
store in which its panels are kept. Nothing here is imported where the toolbar is not installed.
"""
