"""How eddy's own targets are written; docs/contributing.md shows examples."""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

def eddy_cc_library(name, **kwargs):
    """A cc_library whose headers can be named in two ways.

    Inside the repository a header is included by where it lies,
    "runtime/task/task.h"; users write "eddy/runtime/task/task.h".

    Args:
      name: the unit's name, as in task for task.h and task.cc.
      **kwargs: handed on to cc_library.
    """
    package = native.package_name()
    kwargs.setdefault("include_prefix", "eddy/" + package if package else "eddy")
    cc_library(name = name, **kwargs)

def eddy_cc_test(name, srcs = None, deps = [], size = "small", **kwargs):
    """A GoogleTest test with its main().

    Args:
      name: ends in _test; the source is <name>.cc unless srcs says otherwise.
      srcs: the sources.
      deps: what is under test, and of //tests/support what it uses.
      size: small (a minute), medium (five minutes), large.
      **kwargs: handed on to cc_test.
    """
    cc_test(
        name = name,
        size = size,
        srcs = srcs or [name + ".cc"],
        deps = deps + ["@gtest//:gtest_main"],
        **kwargs
    )
