#!/usr/bin/env python3
"""Counts test cases in what Bazel reports of one `bazel test`.

Usage: count_results.py <build event file, JSON> <Bazel's exit status>
Prints "<passed> <failed>".

A case is a <testcase> of a test.xml to which a testResult event points. A test
that fails without a failed case (it crashed, timed out, or a sanitizer ended
it) counts as one failure, and so does a target that can't be built, and a run
of Bazel that fails for another reason. Skipped cases are neither.
"""

import json
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

NO_TESTS_FOUND = 4  # Bazel's exit status: nothing has the wanted tag


def read_events(path):
    try:
        with open(path, encoding="utf-8") as file:
            return [json.loads(line) for line in file if line.strip()]
    except OSError:
        return []


def count_cases(path):
    """The cases of one test.xml: (passed, failed)."""
    try:
        root = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError):
        return 0, 0
    passed = failed = 0
    for case in root.iter("testcase"):
        tags = {child.tag for child in case}
        if tags & {"failure", "error"}:
            failed += 1
        elif "skipped" not in tags and case.get("status") != "notrun":
            passed += 1
    return passed, failed


def count_result(result):
    """One run of one test: (passed, failed)."""
    passed = failed = 0
    for output in result.get("testActionOutput", []):
        if output.get("name") == "test.xml":
            path = urllib.parse.urlparse(output.get("uri", "")).path
            more_passed, more_failed = count_cases(urllib.parse.unquote(path))
            passed, failed = passed + more_passed, failed + more_failed
    if result.get("status") not in ("PASSED", "FLAKY") and failed == 0:
        failed = 1
    return passed, failed


def main(path, status):
    passed = failed = 0
    for event in read_events(path):
        identity = event.get("id", {})
        if "testResult" in event:
            more_passed, more_failed = count_result(event["testResult"])
            passed, failed = passed + more_passed, failed + more_failed
        elif "targetCompleted" in identity:
            built = event.get("completed", {}).get("success", False)
            if not built:
                failed += 1
    if status not in (0, NO_TESTS_FOUND) and failed == 0:
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
