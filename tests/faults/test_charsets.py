"""A request may name any encoding: the lab reads UTF-8, and says so to everybody else."""

import secrets

import pytest

from tests.support.labs import Lab

PAGES = ["/", "/films/", "/experiments/n-plus-one/slow/?movies=3", "/health/", "/nowhere/"]
NO_TEXT = ["rot13", "hex", "base64", "zlib", "bz2", "uu", "quopri"]
NO_ADDRESS = [
    "undefined",
    "idna",
    "punycode",
    "utf-16",
    "utf_32_le",
    "cp037",
    "utf-7",
    "unicode_escape",
]
UNKNOWN = ["nonsense", "mbcs", "../../etc/passwd", "x" * 3000, "%00", '"', "utf-8,rot13"]

FORM = "application/x-www-form-urlencoded"
PART = "--b\r\nContent-Disposition: form-data; {name}\r\n\r\nAda\r\n--b--\r\n"


def assert_refused(answer, *words):
    """A page of the site with status 400 that says what was wrong, and how the lab is guarded."""
    assert answer.status == 400
    assert "<h1>The lab cannot answer this request</h1>" in answer.text
    assert answer.headers["Content-Security-Policy"]
    for word in words:
        assert word in answer.text


@pytest.mark.parametrize("charset", NO_TEXT + NO_ADDRESS + UNKNOWN)
def test_a_charset_that_is_not_utf_8_is_refused_on_every_page(any_lab, charset):
    for kind in ("text/plain", FORM, "multipart/form-data; boundary=b"):
        headers = {"Content-Type": f"{kind}; charset={charset}"}

        for path in PAGES:
            assert_refused(any_lab.get(path, headers), "UTF-8")
        assert_refused(any_lab.request("POST", "/visitor/", headers, "name=Ada"), "UTF-8")


@pytest.mark.parametrize(
    "header",
    ["a/b; x*=undefined''%41", "a/b; charset*=utf-8''utf-16", "a/b; x*=u''a; x*0*=u''b"],
)
def test_an_encoded_parameter_is_refused_too(any_lab, header):
    assert_refused(any_lab.get("/", {"Content-Type": header}), "Content-Type")


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", '"utf-8"', "utf8", "us-ascii"])
def test_utf_8_is_read_by_any_of_its_names(any_lab, charset):
    headers = {"Content-Type": f"{FORM}; charset={charset}"}

    page = any_lab.get("/experiments/n-plus-one/slow/?movies=3", headers)
    posted = any_lab.request("POST", "/visitor/", headers, "name=Ada")

    assert page.status == 200
    assert page.text.count("<tr>") == 4
    assert posted.status == 403  # a form without a token: it was read, and refused for that


@pytest.mark.parametrize("name", ["name*=utf-8''a; name*0*=utf-8''b", "name=a; x*=a''b; x*1*=c''d"])
def test_a_part_of_a_form_with_parameters_that_cannot_be_read_is_refused(any_lab, name):
    cookies = any_lab.get("/visitor/").headers.get_all("Set-Cookie")
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "Cookie": "; ".join(cookie.partition(";")[0] for cookie in cookies),
    }

    answer = any_lab.request("POST", "/visitor/", headers, PART.format(name=name))

    assert_refused(answer, "form cannot be read")


def test_a_page_that_a_site_cache_keeps_is_refused_too(any_lab):
    path = "/experiments/what-to-cache/site/?movies=3"
    assert any_lab.get(path).status == any_lab.get(path).status == 200

    assert_refused(any_lab.get(path, {"Content-Type": "text/plain; charset=rot13"}), "rot13")


@pytest.mark.parametrize("worker_class", ["asgi", "gevent"])
def test_the_other_worker_classes_refuse_it_too(start_lab, worker_class):
    application = "perflab.asgi" if worker_class == "asgi" else "perflab.wsgi"
    arguments = ("--worker-class", worker_class)
    lab = start_lab(workers=1, arguments=arguments, application=application)

    assert_refused(lab.get("/films/", {"Content-Type": "a/b; charset=rot13"}), "charset=rot13")


def test_a_public_lab_refuses_it_too(seeded_database):
    public = {
        **{"PERFLAB_PUBLIC": "1", "PERFLAB_HTTPS": "0", "PERFLAB_TOOLBAR": "0"},
        **{"SECRET_KEY": secrets.token_urlsafe(50), "ALLOWED_HOSTS": "127.0.0.1"},
    }
    with Lab(seeded_database, workers=1, **public) as lab:
        assert_refused(lab.get("/", {"Content-Type": "a/b; charset=rot13"}), "charset=rot13")
