"""What the lab's own machinery adds to a measured request.

The parts one by one, in this process; and the whole, served by Gunicorn beside a bare Django.
`manage.py probe_cost` shows both.
"""
