"""The XML that requests carry, and that answers are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import ElementTree
from starlette.responses import Response

from adapters.cloud_storage.sandbox.refusals import Refusal

MOST_TAGS: Final = 10
MOST_DELETED: Final = 1000


def parsed(body: bytes, root: str) -> Element:
    """The document of a request; raises Refusal."""
    if not body:
        raise Refusal("MissingRequestBodyError", "Request body is empty.")
    malformed = Refusal("MalformedXML", "The XML you provided was not well-formed or did not validate.")
    try:
        found: Element = ElementTree.fromstring(body)
    except (ParseError, ValueError) as error:
        raise malformed from error
    if found.tag != root:
        raise malformed
    return found


def text_of(element: Element, name: str) -> str:
    """A child's text; raises Refusal where there is none."""
    text = element.findtext(name)
    if text is None:
        raise Refusal("MalformedXML", "The XML you provided was not well-formed or did not validate.")
    return text


def tags_of(body: bytes) -> Mapping[str, str]:
    """The tags of a Tagging document."""
    found = [(text_of(each, "Key"), text_of(each, "Value")) for each in parsed(body, "Tagging").iterfind("TagSet/Tag")]
    return _checked(found)


def tags_of_header(text: str) -> Mapping[str, str]:
    """The tags of ``x-cos-tagging``."""
    return _checked(parse_qsl(text, keep_blank_values=True))


def _checked(found: list[tuple[str, str]]) -> Mapping[str, str]:
    wrong = any(not 1 <= len(name) <= 128 or len(value) > 256 for name, value in found)
    if wrong or len(found) > MOST_TAGS or len(dict(found)) < len(found):
        raise Refusal("InvalidTag", "The tag provided was not a valid tag.")
    return dict(found)


def element(tag: str, *inner: str) -> str:
    """An element of written ones."""
    return f"<{tag}>{''.join(inner)}</{tag}>"


def leaf(tag: str, text: object) -> str:
    """An element of text."""
    return f"<{tag}>{escape(str(text))}</{tag}>"


def document(tag: str, *inner: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of status 200."""
    return Response(element(tag, *inner).encode(), 200, headers, media_type="application/xml")


def tagging(tags: Mapping[str, str]) -> Response:
    """The answer to GET Object tagging."""
    written: Iterable[str] = (element("Tag", leaf("Key", k), leaf("Value", v)) for k, v in tags.items())
    return document("Tagging", element("TagSet", *written))


def keys_to_delete(body: bytes) -> tuple[list[str], bool]:
    """Keys and whether only failures are to be listed."""
    root = parsed(body, "Delete")
    keys = [text_of(each, "Key") for each in root.findall("Object")]
    if not 1 <= len(keys) <= MOST_DELETED:
        raise Refusal("MalformedXML", f"A request deletes 1 to {MOST_DELETED} objects.")
    return keys, (root.findtext("Quiet") or "false").lower() == "true"
