"""Visitors stroll through the site as people do: they read, think, and follow links.

    locust -f locustfiles/browse.py --headless --users 20 --run-time 60s

They leaf through the list of films, open one and perhaps its director, search for a word they
have seen, and look at an experiment with its variants. Every address comes out of a page they were
shown. They take their time, so many visitors are few requests: watch what they wait, not the rate.
"""

import random
import re
from html import unescape
from urllib.parse import urlencode, urljoin

from _lab import LabUser
from locust import events, task
from locust.argument_parser import gt_zero

FILM = re.compile(r'<a href="(/films/\d+/)">(.+?)</a>')
DIRECTOR = re.compile(r'<a href="(/directors/\d+/)">(.+?)</a>')
LATER = re.compile(r'<a rel="next" href="(.+?)">')
EXPERIMENT = re.compile(r'<a href="(/experiments/[\w-]+/)">(.+?)</a>')
FRAME = re.compile(r'<iframe [^>]*src="((/experiments/[\w-]+/[\w-]+/)\?.+?)"')


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    seconds = {"type": gt_zero(float), "default": 3.0, "env_var": "LOCUST_THINK_TIME"}
    parser.add_argument("--think-time", help="seconds a visitor looks at a page, mean", **seconds)


class Visitor(LabUser):
    def wait_time(self):
        """Most pages are left soon, a few are read for long."""
        return random.expovariate(1 / self.environment.parsed_options.think_time)

    def on_start(self):
        self.list = self.see("/films/", "/films/", heading="Films")

    @task(8)
    def leaf_on(self):
        """To the next page of the list; from the last one, or sometimes, back to the first."""
        later = LATER.search(self.list)
        if not later or random.random() < 0.1:
            return self.on_start()
        address = urljoin("/films/", unescape(later[1]))
        self.list = self.see(address, "/films/?page=", heading="Films")

    @task(10)
    def read_about_a_film(self):
        """And of every other one's director, whose films are then the list."""
        address, title = random.choice(FILM.findall(self.list) or [("/films/", "Films")])
        page = self.see(address, "/films/[id]/", heading=title)
        director = DIRECTOR.search(page)
        if director and random.random() < 0.5:
            self.wait()
            self.list = self.see(director[1], "/directors/[id]/", heading=director[2])

    @task(4)
    def search(self):
        """For a word of a title that was on the last list, so that something must be found."""
        words = re.findall(r"\w{4,}", unescape(" ".join(dict(FILM.findall(self.list)).values())))
        address = "/films/?" + urlencode({"q": random.choice(words or ["the"])})
        self.list = self.see(address, "/films/?q=", heading="Films")

    @task(2)
    def compare(self):
        """Open an experiment and, as a browser does, its frames."""
        contents = self.see("/", "/")
        address, title = random.choice(EXPERIMENT.findall(contents) or [("/", "")])
        self.wait()
        address += "?" + urlencode(self.knobs)
        page = self.see(address, "/experiments/[slug]/", heading=title)
        catalogue = self.environment.parsed_options.catalogue
        bodies, differing = catalogue["bodies"], catalogue["differing"]
        for frame, variant in dict.fromkeys(FRAME.findall(page)):
            if variant in bodies:  # not one that is there for reference only
                name = "/experiments/[slug]/[variant]/"
                rows = 1 if variant in differing else self.rows
                self.see(unescape(frame), name, rows=rows, body=bodies[variant])
