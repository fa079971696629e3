"""Forms, sent to a lab as its own pages send them."""

import re


def cookie_of(lab):
    """Return the cookies of a new visitor, as the header has them."""
    cookies = lab.get("/visitor/").headers.get_all("Set-Cookie")
    return "; ".join(one.partition(";")[0] for one in cookies)


def order(lab, path, form, cookie=None):
    """Send a form, as a new visitor or as the one of this cookie; the answer."""
    cookie = cookie or cookie_of(lab)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": cookie,
        "X-CSRFToken": re.search(r"csrf[^=]*=([^;]+)", cookie)[1],
    }
    return lab.request("POST", path, headers, form)
