"""Every environment variable that the project reads is documented, and no other is.

The code is searched as a syntax tree, so that no helper hides a name: a function that hands its
argument to `os.environ` is a reader, and so is a function that hands its argument to a reader. The
name that a reader gets must be a literal; anything else is refused here.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("perflab", "movies", "locustfiles", "deploy")
DOCUMENTED_IN = ("docs/settings.md", ".env.example")

# Variables of other programs, which we do not explain.
FOREIGN = {
    "DJANGO_SETTINGS_MODULE",  # Django's: set by manage.py and the servers' entry points
    "HOME",
    "PATH",
    "PPID",
    "PWD",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",  # macOS's Python
}
READING_METHODS = {"get", "pop", "setdefault"}
PASSING_ON_METHODS = {"copy", "items", "update"}  # they hand on the whole environment, or set names


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def is_set(node, name):
    """Say whether a node gives a variable of that name another value."""
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)


class Module:
    """One module's syntax tree, with what its names stand for and what encloses each node."""

    def __init__(self, name, source):
        self.name = name
        self.tree = ast.parse(source)
        self.parents = {
            child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)
        }
        self.known = {}  # a name in this module -> the dotted name that it stands for
        self.constants = {}  # a name at the module's top -> its expression
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    name = alias.name if alias.asname else alias.name.split(".")[0]
                    self.known[alias.asname or name] = name
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    imported = f"{self.origin(node)}.{alias.name}".strip(".")
                    self.known[alias.asname or alias.name] = imported
            elif isinstance(node, FUNCTION):
                self.known.setdefault(node.name, f"{self.name}.{node.name}")
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.constants[node.targets[0].id] = node.value

    def origin(self, node):
        """Return the absolute name of the module that an import takes names from."""
        if not node.level:
            return node.module
        package = self.name.split(".")[: -node.level]
        return ".".join([*package, *([node.module] if node.module else [])])

    def dotted(self, node):
        """Return the dotted name that an expression stands for, or "" for any other expression."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id, "")
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        return ""

    def enclosing(self, node):
        """Yield what encloses a node, from the inside out."""
        while node := self.parents.get(node):
            yield node


class Finder:
    """The names that modules read from the environment, and the reads whose name is unknown."""

    def __init__(self, sources):
        """Search `sources`, a dict of source texts by dotted module name."""
        self.modules = [Module(name, source) for name, source in sources.items()]
        self.readers = {"os.getenv": (0, "key", None)}  # -> position, name and default of its name
        self.names = set()
        self.refused = set()
        known = None
        while known != set(self.readers):  # until no further function turns out to be a reader
            known = set(self.readers)
            for module in self.modules:
                for node in ast.walk(module.tree):
                    self.look_at(module, node)

    def look_at(self, module, node):
        """Take note of a node that reads the environment."""
        name = module.dotted(node)
        parent = module.parents.get(node)
        if name == "os.environ":
            self.take(module, node, *self.use_of_environ(module, node))
        elif name in ("os.environb", "os.getenvb"):
            self.refuse(module, node)
        elif name in self.readers and isinstance(getattr(node, "ctx", None), ast.Load):
            if isinstance(parent, ast.Call) and parent.func is node:
                self.take(module, node, self.argument(parent, *self.readers[name]))
            else:
                self.refuse(module, node)  # handed on as a value: nobody knows who calls it

    def use_of_environ(self, module, node):
        """Return what names the variable that is read: one expression, or nothing for no read."""
        parent = module.parents.get(node)
        around = module.parents.get(parent)
        if isinstance(parent, ast.Subscript):
            return [parent.slice] if isinstance(parent.ctx, ast.Load) else []
        if isinstance(parent, ast.Compare) and isinstance(parent.ops[0], ast.In | ast.NotIn):
            return [parent.left]
        if isinstance(parent, ast.Dict) and None in parent.keys:
            return []  # {**os.environ}
        if isinstance(parent, ast.Attribute) and isinstance(around, ast.Call):
            if parent.attr in READING_METHODS and around.args:
                return [around.args[0]]
            if parent.attr in PASSING_ON_METHODS:
                return []
        return [node]  # used in a way that this search does not follow

    def argument(self, call, position, name, default):
        """Return the argument of a reader's call that names the variable."""
        if any(isinstance(argument, ast.Starred) for argument in call.args):
            return call
        if len(call.args) > position:
            return call.args[position]
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        return named.get(name, default or call)

    def take(self, module, node, *expressions):
        """Note what an expression names: a variable, several of them, or a function's parameter."""
        for expression in expressions:
            if (found := self.strings(module, expression)) is not None:
                self.names |= found
            elif not self.is_parameter(module, expression):
                self.refuse(module, node)

    def strings(self, module, expression):
        """Return the strings that an expression may be, or None where that cannot be known."""
        if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
            return {expression.value}
        if not isinstance(expression, ast.Name):
            return None
        for around in module.enclosing(expression):
            loops = [around] if isinstance(around, ast.For) else getattr(around, "generators", [])
            for loop in loops:
                if isinstance(loop.target, ast.Name) and loop.target.id == expression.id:
                    values = loop.iter
                    if isinstance(values, ast.Name):
                        values = module.constants.get(values.id)
                    return self.elements(values)
        return None

    def elements(self, node):
        """Return the strings in a literal collection, or None for anything else."""
        if not isinstance(node, ast.Tuple | ast.List | ast.Set):
            return None
        found = set()
        for element in node.elts:
            inner = self.elements(element.value) if isinstance(element, ast.Starred) else None
            if inner is None:
                if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
                    return None
                inner = {element.value}
            found |= inner
        return found

    def is_parameter(self, module, expression):
        """Say whether the expression is a function's parameter; the function then is a reader."""
        if not isinstance(expression, ast.Name):
            return False
        for around in module.enclosing(expression):
            if isinstance(around, FUNCTION):
                arguments = around.args
                parameters = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
                if expression.id not in parameters:
                    continue
                if any(isinstance(node, ast.ClassDef) for node in module.enclosing(around)):
                    return False  # a method: whoever calls it cannot be found by its name
                if any(is_set(node, expression.id) for node in ast.walk(around)):
                    return False  # changed on its way
                position = parameters.index(expression.id)
                before = len(parameters) - len(arguments.defaults)
                default = arguments.defaults[position - before] if position >= before else None
                self.readers[f"{module.name}.{around.name}"] = (position, expression.id, default)
                return True
        return False

    def refuse(self, module, node):
        self.refused.add(f"{module.name}:{node.lineno}")


def sources(*folders):
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): (
            path.read_text()
        )
        for path in paths
    }


def names_in_scripts():
    """Return the names of the variables in the Procfile and the files that are not Python."""
    paths = [path for path in (ROOT / "deploy").iterdir() if path.suffix != ".py"]
    files = [ROOT / "Procfile", *filter(Path.is_file, paths)]
    return {name for file in files for name in re.findall(r"\$\{?([A-Z]\w+)", file.read_text())}


@pytest.fixture(scope="module")
def project():
    """Provide a search of the whole project, which takes seconds: not to be done on import."""
    scripts = {name: (ROOT / f"{name}.py").read_text() for name in ("gunicorn.conf", "manage")}
    return Finder(sources(*FOLDERS) | scripts)


@pytest.fixture(scope="module")
def read(project):
    """Provide the names of all variables that something reads.

    Tests set up environments of many kinds, so there only the names that they read literally count.
    """
    return (project.names | Finder(sources("tests")).names | names_in_scripts()) - FOREIGN


def documented(file):
    """Return the names of the variables that a file lists."""
    row = r"^\| `([A-Z_]+)` \|" if file.endswith(".md") else r"^#?([A-Z_]+)="
    return set(re.findall(row, (ROOT / file).read_text(), re.MULTILINE))


@pytest.mark.long
def test_every_name_that_is_read_is_known(project):
    """A name that is put together is not found in any document: read literal names instead."""
    assert project.refused == set()


@pytest.mark.long
def test_variables_that_helpers_read_are_found(read):
    through_helpers = {"WEB_CONCURRENCY", "WEB_THREADS", "PORT", "FORWARDED_ALLOW_IPS", "DEBUG"}
    elsewhere = {"INSTANCES", "BALANCER", "PERFLAB_REQUIRE_SERVICES"}

    assert through_helpers | elsewhere <= read


@pytest.mark.parametrize("file", DOCUMENTED_IN)
def test_every_variable_is_documented(file, read):
    assert read - documented(file) == set()


@pytest.mark.parametrize("file", DOCUMENTED_IN)
def test_every_documented_variable_is_read(file, read):
    assert documented(file) - read == set()


def test_the_options_of_locust_scenarios_follow_locust():
    """Locust reads these itself; docs/settings.md names their prefix once for them all."""
    text = "".join(sources("locustfiles").values())
    names = re.findall(r'env_var"?[=:] ?"(\w+)', text)

    assert len(names) == text.count("env_var") > 5
    assert all(name.startswith("LOCUST_") for name in names)
    assert "`LOCUST_" in (ROOT / "docs/settings.md").read_text()


HELPER = "import os\ndef ask(name, default=''):\n    return os.environ.get(name) or default\n"


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os\nos.environ['A']", {"A"}),
        ("import os\nos.environ.get('A', 'B')", {"A"}),
        ("import os\nos.environ.setdefault('A', 'B')", {"A"}),
        ("import os\n'A' in os.environ", {"A"}),
        ("from os import environ, getenv\nenviron['A'], getenv('B')", {"A", "B"}),
        ("import os as system\nsystem.getenv(key='A')", {"A"}),
        ("import os\nfor name in ('A', *('B',)):\n    os.environ[name]", {"A", "B"}),
        ("import os\nNAMES = ['A']\n[os.environ[name] for name in NAMES]", {"A"}),
        ("import os\nos.environ['A'] = 'set'\nchild = {**os.environ, 'B': ''}", set()),
        ("from helper import ask\nask('A')", {"A"}),
        ("from helper import ask as please\nplease(name='A')", {"A"}),
        ("import helper\ndef number(low, name='A'):\n    helper.ask(name)\nnumber(1)", {"A"}),
        ("import helper as h\ndef one(a):\n    return h.ask(a)\none('A'), one('B')", {"A", "B"}),
    ],
)
def test_a_name_is_found(source, names):
    finder = Finder({"helper": HELPER, "module": source})

    assert finder.names == names
    assert finder.refused == set()


@pytest.mark.parametrize(
    "expression",
    [
        "os.environ['A' + 'B']",
        "os.environ.get(f'{__name__}')",
        "os.getenv(*['A'])",
        "dict(os.environ)",
        "mine = os.environ",
        "os.environb[b'A']",
        "ask(str('A'))",
        "read = ask",
        "list(map(ask, ['A']))",
        "[os.environ[name] for name in sorted(['A'])]",
        "def changed(name): name += 'B'; ask(name)",
        "class Settings:\n    def read(self, name): ask(name)",
    ],
)
def test_a_name_that_cannot_be_known_is_refused(expression):
    source = f"import os\nfrom helper import ask\n{expression}"

    assert Finder({"helper": HELPER, "module": source}).refused


def test_docs_and_pages_name_no_variable_that_nobody_reads(read):
    texts = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "templates").rglob("*")]
    text = "".join(path.read_text() for path in texts if path.is_file())

    assert set(re.findall(r"\bPERFLAB_[A-Z_]+", text)) <= read
