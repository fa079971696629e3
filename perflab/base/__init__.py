"""What every other package stands on, with the standard library alone.

It reads the configuration from the environment, and deals with paths, addresses, processes, files,
logs, numbers and messages. The launcher and gunicorn.conf.py use it before anything is installed.
"""
