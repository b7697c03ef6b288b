"""What a key, a type, a size and a tag may be; refused here before anything is signed or sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.base.errors import Invalid
from adapters.cloud_storage.errors import NAME
from adapters.cloud_storage.records import ObjectOptions
from adapters.cloud_storage.signing import encode

#: A key's length in bytes of UTF-8.
MAX_KEY_BYTES: Final = 850
#: The largest object that one PUT, one form or one part may carry: 5 GB.
MAX_SINGLE_UPLOAD_BYTES: Final = 5 * 1024**3
#: User metadata of an object, names and values together.
MAX_METADATA_BYTES: Final = 2048
MAX_TAGS: Final = 10
MAX_TAG_NAME, MAX_TAG_VALUE = 128, 256
STORAGE_CLASSES: Final = ("STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "ARCHIVE", "DEEP_ARCHIVE")


class Checks:
    """Of one bucket; every method raises Invalid."""

    def __init__(self, account: str) -> None:
        self._account = account

    def key(self, key: str) -> None:
        """1 to 850 bytes of UTF-8, no leading slash, no segment ``.`` or ``..``."""
        self.text("key", key)
        size = len(key.encode())
        if not 1 <= size <= MAX_KEY_BYTES:
            raise self.invalid("bad_key", f"key has {size} bytes of UTF-8: give 1 to {MAX_KEY_BYTES}.")
        if key.startswith("/"):
            raise self.invalid("bad_key", "key begins with a slash: leave it out.")
        if not {".", ".."}.isdisjoint(key.split("/")):
            # URL software resolves these even when they are percent-encoded, and would reach another key.
            raise self.invalid("bad_key", "key has a path segment . or ..: choose another key.")

    def content_type(self, value: str) -> None:
        """Printable ASCII."""
        if not value or not _printable(value):
            raise self.invalid("bad_content_type", "content type must be printable ASCII, such as image/jpeg.")

    def text(self, what: str, value: str) -> None:
        """Text that UTF-8 can hold."""
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise self.invalid("bad_text", f"{what} is not valid Unicode text; correct it.") from error

    def size(self, size: int, *, least: int = 0, most: int = MAX_SINGLE_UPLOAD_BYTES, reason: str = "bad_size") -> None:
        """Bytes, within limits."""
        if not least <= size <= most:
            raise self.invalid(reason, size_message(size, most))

    def tags(self, tags: Mapping[str, str]) -> None:
        """At most 10, names of 1 to 128 characters, values of up to 256."""
        if len(tags) > MAX_TAGS:
            raise self.invalid("bad_tag", f"{len(tags)} tags: an object has at most {MAX_TAGS}.")
        for name, value in tags.items():
            self.text("tag", name + value)
            if not 1 <= len(name) <= MAX_TAG_NAME or len(value) > MAX_TAG_VALUE or not (name + value).isprintable():
                raise self.invalid(
                    "bad_tag",
                    f"a tag is printable: 1 to {MAX_TAG_NAME} characters, and up to {MAX_TAG_VALUE} for its value.",
                )

    def options(self, options: ObjectOptions) -> dict[str, str]:
        """The headers of what is stored with an object."""
        headers: dict[str, str] = {}
        size = 0
        for name, value in options.metadata.items():
            if not name or "_" in name or not _printable(name + value) or not name.replace("-", "").isalnum():
                raise self.invalid(
                    "bad_metadata", "metadata is printable ASCII; its names are letters, digits and hyphens."
                )
            size += len(name) + len(value)
            headers[f"x-cos-meta-{name.lower()}"] = value
        if size > MAX_METADATA_BYTES:
            raise self.invalid("bad_metadata", f"metadata has {size} bytes and the limit is {MAX_METADATA_BYTES}.")
        self.tags(options.tags)
        if options.tags:
            headers["x-cos-tagging"] = "&".join(f"{encode(k)}={encode(v)}" for k, v in options.tags.items())
        if options.storage_class not in STORAGE_CLASSES:
            raise self.invalid("bad_storage_class", f"storage_class must be one of {', '.join(STORAGE_CLASSES)}.")
        if options.storage_class != "STANDARD":
            headers["x-cos-storage-class"] = options.storage_class
        if options.cache_control:
            if not _printable(options.cache_control):
                raise self.invalid("bad_cache_control", "cache_control must be printable ASCII, such as max-age=600.")
            headers["cache-control"] = options.cache_control
        return headers

    def invalid(self, reason: str, message: str) -> Invalid:
        """The error, for checks of others."""
        return Invalid(NAME, reason, message, account=self._account)


def size_message(size: int, limit: int) -> str:
    """What is said of a size that is not allowed."""
    return f"The size is {size} bytes and the limit is {limit}; use a smaller file or another way."


def _printable(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)
