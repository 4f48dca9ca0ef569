"""Which modules of the running Python are documented, and where their documentation is read online."""

import builtins
import importlib.util
import sys
from collections.abc import Iterator

_LEFT_OUT = {
    # importing them does something: opens a browser, prints, needs a screen
    *("antigravity", "idlelib", "this", "tkinter", "turtle", "turtledemo"),
    # not for users, or documented under another name
    *("encodings", "ensurepip", "genericpath", "lib2to3", "ntpath", "nturl2path", "opcode", "posix"),
    *("posixpath", "pydoc_data", "pyexpat", "sre_compile", "sre_constants", "sre_parse"),
    *("test", "xxlimited", "xxlimited_35", "xxsubtype"),
    # deprecated in 3.11, gone in 3.13
    *("aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr"),
    *("imp", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd"),
    *("sunau", "telnetlib", "uu", "xdrlib"),
}

_SUBMODULES = {
    "collections": "abc",
    "concurrent": "futures",
    "ctypes": "util",
    "curses": "ascii panel textpad",
    "dbm": "dumb",
    "email": "charset contentmanager encoders errors generator header headerregistry iterators message "
    "parser policy utils",
    "html": "entities parser",
    "http": "client cookiejar cookies server",
    "importlib": "abc machinery metadata resources util",
    "logging": "config handlers",
    "multiprocessing": "connection managers pool shared_memory sharedctypes",
    "os": "path",
    "unittest": "mock",
    "urllib": "error parse request response robotparser",
    "wsgiref": "handlers headers simple_server util validate",
    "xml": "dom dom.minidom dom.pulldom etree.ElementTree sax sax.handler sax.saxutils sax.xmlreader",
    "xmlrpc": "client server",
}
_ON_ANOTHER_PAGE = {
    "curses.textpad": "curses",
    "ctypes.util": "ctypes",
    "dbm.dumb": "dbm",
    "importlib.abc": "importlib",
    "importlib.machinery": "importlib",
    "importlib.util": "importlib",
    "multiprocessing.connection": "multiprocessing",
    "multiprocessing.managers": "multiprocessing",
    "multiprocessing.pool": "multiprocessing",
    "multiprocessing.sharedctypes": "multiprocessing",
    "urllib.response": "urllib.request",
    "wsgiref.handlers": "wsgiref",
    "wsgiref.headers": "wsgiref",
    "wsgiref.simple_server": "wsgiref",
    "wsgiref.util": "wsgiref",
    "wsgiref.validate": "wsgiref",
    "xml.sax.saxutils": "xml.sax.utils",
    "xml.sax.xmlreader": "xml.sax.reader",
}

_SCIENTIFIC = {
    "numpy": "fft linalg polynomial random strings",
    "scipy": "cluster.hierarchy cluster.vq constants datasets differentiate fft integrate interpolate io "
    "linalg ndimage optimize signal sparse sparse.csgraph sparse.linalg spatial spatial.distance stats",
    "sklearn": "calibration cluster compose covariance cross_decomposition datasets decomposition "
    "discriminant_analysis dummy ensemble feature_extraction feature_extraction.text feature_selection "
    "gaussian_process impute inspection isotonic kernel_approximation kernel_ridge linear_model manifold "
    "metrics metrics.pairwise mixture model_selection multiclass multioutput naive_bayes neighbors "
    "neural_network pipeline preprocessing random_projection semi_supervised svm tree",
}

METHODS_IN_CLASS = tuple(_SCIENTIFIC)
"""Packages whose methods have no documents of their own: most repeat each other from class to class."""


def standard_modules() -> Iterator[str]:
    """The documented modules of the standard library that this Python has, in the order of their names."""
    for name in sorted(sys.stdlib_module_names - _LEFT_OUT):
        if not name.startswith("_"):
            yield from _with_submodules(name, _SUBMODULES.get(name, ""))


def scientific_modules() -> Iterator[str]:
    """The documented namespaces of those scientific packages that are installed."""
    for name, submodules in _SCIENTIFIC.items():
        yield from _with_submodules(name, submodules)


def _with_submodules(package: str, submodules: str) -> Iterator[str]:
    if importlib.util.find_spec(package):
        yield package
        yield from (f"{package}.{submodule}" for submodule in submodules.split())


def online(module: str, name: str, kind: str) -> str | None:
    """The address at which `name`, which `module` gives out, is documented; None where it has no page."""
    package = module.partition(".")[0]
    if package in _SCIENTIFIC:
        return None if kind == "module" else _scientific(package, name, kind)
    if module == "builtins":
        return _builtin(name, kind)
    page = _ON_ANOTHER_PAGE.get(module, module).lower()
    anchor = f"module-{module}" if kind == "module" else name
    return f"https://docs.python.org/3/library/{page}.html#{anchor}"


def _builtin(name: str, kind: str) -> str:
    found = getattr(builtins, name.partition(".")[0], None)
    if isinstance(found, type) and issubclass(found, BaseException):
        page = "exceptions"
    else:
        page = "functions" if kind == "function" else "stdtypes"
    return f"https://docs.python.org/3/library/{page}.html#{name}"


def _scientific(package: str, name: str, kind: str) -> str:
    if package == "numpy":
        section = "reference/random" if name.startswith("numpy.random.") else "reference"
        return f"https://numpy.org/doc/stable/{section}/generated/{name}.html"
    if package == "scipy":
        return f"https://docs.scipy.org/doc/scipy/reference/generated/{name}.html"
    page = name.rpartition(".")[0] if kind == "method" else name
    return f"https://scikit-learn.org/stable/modules/generated/{page}.html"
