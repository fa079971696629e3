"""Tasks for the lab's queue that say in a file how far they have come."""

import time

from movies.task_queue import task


@task
def wait_the_first_time(path):
    """Write "begun" and, but for the first time, "done". The first time, wait to be killed."""
    with open(path, "a+") as file:
        file.seek(0)
        is_first = not file.read()
        file.write("begun\n")
    if is_first:
        time.sleep(600)
    with open(path, "a") as file:
        file.write("done\n")
