"""Who serves: Gunicorn's workers.

The scoreboard on which they write what they do, the control socket through which workers are added
and removed, the auto-scaler, and the live view of the machine.
"""
