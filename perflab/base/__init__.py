"""What everything stands on, with the standard library alone.

It reads configuration from the environment, and knows paths, addresses, processes, files, logs and
messages. The launcher and gunicorn.conf.py use it before anything is installed or loaded.
"""
