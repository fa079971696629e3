"""Visitors use the site as people do: they read, think, and follow links.

    locust -f locustfiles/browse.py --headless --users 20 --run-time 60s

They turn the pages of the list of films, open a film and perhaps its director, search for a word
that they have seen, and look at an experiment with its variants. Every address comes from a page
that they have read. They take their time, so many visitors make few requests: watch how long they
wait, not how many requests there are.
"""

import random
import re
from html import unescape
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from _lab import LabUser
from locust import events, task
from locust.argument_parser import gt_zero

FILM = re.compile(r'<a href="(/films/\d+/)">(.+?)</a>')
DIRECTOR = re.compile(r'<a href="(/directors/\d+/)">(.+?)</a>')
NEXT_PAGE = re.compile(r'<a rel="next" href="(.+?)">')
EXPERIMENT = re.compile(r'<a href="(/experiments/[\w-]+/)">(.+?)</a>')
FRAME = re.compile(r'<iframe [^>]*src="((/experiments/[\w-]+/[\w-]+/)\?.+?)"')


@events.init_command_line_parser.add_listener
def add_options(parser, **_):
    parser.add_argument(
        "--think-time",
        type=gt_zero(float),
        default=3.0,
        env_var="LOCUST_THINK_TIME",
        help="seconds that a visitor looks at a page, on average",
    )


class Visitor(LabUser):
    def wait_time(self):
        """Return a random think time: visitors leave most pages soon and read a few for long."""
        return random.expovariate(1 / self.environment.parsed_options.think_time)

    def on_start(self):
        self.list = self.get_page("/films/", "/films/", heading="Films")

    @task(8)
    def turn_page(self):
        """Go to the next page of the list; from the last one, or sometimes, back to the first."""
        link = NEXT_PAGE.search(self.list)
        if not link or random.random() < 0.1:
            return self.on_start()
        address = urljoin("/films/", unescape(link[1]))
        self.list = self.get_page(address, "/films/?page=", heading="Films")

    @task(10)
    def read_about_a_film(self):
        """Open a film, and every second time its director, whose films are then the list."""
        address, title = random.choice(FILM.findall(self.list) or [("/films/", "Films")])
        page = self.get_page(address, "/films/[id]/", heading=title)
        director = DIRECTOR.search(page)
        if director and random.random() < 0.5:
            self.wait()
            self.list = self.get_page(director[1], "/directors/[id]/", heading=director[2])

    @task(4)
    def search(self):
        """Search for a word of a title on the last list, so that there is something to find."""
        words = re.findall(r"\w{4,}", unescape(" ".join(dict(FILM.findall(self.list)).values())))
        address = "/films/?" + urlencode({"q": random.choice(words or ["the"])})
        self.list = self.get_page(address, "/films/?q=", heading="Films")

    @task(2)
    def compare(self):
        """Open an experiment and, as a browser does, its frames."""
        contents = self.get_page("/", "/")
        address, title = random.choice(EXPERIMENT.findall(contents) or [("/", "")])
        self.wait()
        address += "?" + urlencode(self.knobs)
        page = self.get_page(address, "/experiments/[slug]/", heading=title)
        catalogue = self.environment.parsed_options.catalogue
        bodies, differing = catalogue["bodies"], catalogue["differing"]
        for frame, variant in dict.fromkeys(FRAME.findall(page)):
            if variant in bodies:  # a variant for reference is not
                name = "/experiments/[slug]/[variant]/"
                address = unescape(frame)
                rows = 1 if variant in differing else rows_asked_for(address)
                self.get_page(address, name, rows=rows, body=bodies[variant])


def rows_asked_for(address):
    """Return how many rows a frame's address asks for: each lesson has a number of its own."""
    return int(parse_qs(urlsplit(address).query)["movies"][0])
