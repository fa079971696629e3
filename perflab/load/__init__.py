"""Load runs: a Gunicorn for each point, users in front of it, and what theory expected.

`theory` and `verdict` are pure; `plan` and `scenarios` say what is asked for; `gunicorn` and the
`generators` own processes; `run` puts them together and `store` reads what was kept.
"""
