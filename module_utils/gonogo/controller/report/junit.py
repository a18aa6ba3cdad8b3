"""Cases and suites as CI reads them."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ...contract.errors import shown, visible
from .inert import VALUE_LIMIT

__all__ = ["case", "count", "new_suite", "outcome", "text_of", "total"]

_COUNTS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def new_suite(name: str) -> Element:
    return Element("testsuite", name=visible(name))


def case(suite: Element, classname: str, name: str) -> Element:
    return SubElement(suite, "testcase", classname=visible(classname), name=visible(name))


def outcome(case: Element, tag: str, message: str, more: Sequence[str] = ()) -> None:
    """Say of a case that it is a `failure`, an `error`, or `skipped`."""
    element = SubElement(case, tag, message=shown(message, limit=VALUE_LIMIT))
    element.text = "\n".join(visible(text) for text in more if text) or None


def count(suite: Element) -> None:
    """Have a suite say how many cases it has, and what they came to."""
    for attribute, tag in _COUNTS.items():
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("tests", str(len(suite)))


def total(suites: Sequence[Element], name: str) -> Element:
    """One document of several suites that were counted."""
    root = Element("testsuites", name=visible(name))
    root.extend(suites)
    for attribute in ("tests", *_COUNTS):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in suites)))
    return root


def text_of(root: Element) -> str:
    indent(root)
    return tostring(root, encoding="unicode", xml_declaration=False) + "\n"
