"""Read the figures that a response carries."""

from perflab.measure import server_timing


def queries(response):
    return server_timing.load(response["Server-Timing"])["queries"]


def timing(response):
    return server_timing.load(response["Server-Timing"])
