"""Comparisons under load: worker classes, and settings turned on and off.

`worker_classes` is behind `manage.py compare_classes`; `tuning` and `tuning_rounds` are behind
`manage.py tune`. Both keep their runs as a load run does.
"""
