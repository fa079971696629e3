"""Read the figures that a response carries."""

from perflab.measure import server_timing


def queries(response):
    return server_timing.read(response["Server-Timing"])["queries"]


def timing(response):
    return server_timing.read(response["Server-Timing"])
