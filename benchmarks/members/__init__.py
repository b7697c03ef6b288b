"""Members by the ten thousand, the hundred thousand and the million."""

from benchmarks.members.filling import settings_for, write_file

__all__ = ["settings_for", "write_file"]
