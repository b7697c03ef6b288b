"""Where an unexpected error came from, without what it says.

An exception's text may quote what a person typed or a platform answered, and so may those of its causes. A log line
gets the types and places, which is what a maintainer needs first; the values stay where they were.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator


def trace(error: BaseException) -> str:
    """The chain of errors, the original cause last: type and innermost places, one line each."""
    return "\n".join(_lines(error))


def _lines(error: BaseException) -> Iterator[str]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield type(current).__qualname__
        for frame in traceback.extract_tb(current.__traceback__):
            yield f"  {os.path.relpath(frame.filename)}:{frame.lineno} in {frame.name}"
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
