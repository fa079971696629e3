"""What one request did, and how it is measured.

The probe and its middleware, `Server-Timing`, the simulated round trip, traces, query plans, the
statistics of many timings, and the machine on which they were taken.
"""
