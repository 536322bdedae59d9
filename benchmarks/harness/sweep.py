"""Cost as the work grows: more workers than there are CPUs, more tasks."""

from harness import names

WORKERS = range(1, 9)
TASKS = [10**3, 10**4, 10**5, 10**6, 10**7]


def points(what, bench, runtime):
    """The arguments that are gone through, for a bench that is swept."""
    if bench not in names.SWEPT[what]:
        return []
    if what == "tasks":
        return [{"tasks": tasks} for tasks in TASKS]
    if runtime in names.SINGLE_THREADED:
        return []
    return [{"workers": workers} for workers in WORKERS]
