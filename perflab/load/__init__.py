"""Load runs: a Gunicorn for each point, users in front of it, and what theory expected.

`figures` and `verdict` are pure; `plan` and `scenarios` say what is asked for; `server` and the
generators (`by_locust`, `by_tools`) own processes; `runs` puts them together and keeps the results.
"""
