"""Lock files, machine words and links: each check finds what it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.checks import text

_HASH = "    --hash=sha256:" + "0" * 64
GOOD = f"#\n# a comment\nclick==8.5.1 \\\n{_HASH} \\\n{_HASH}\n    # via retail-gateway (pyproject.toml)\n"


def locked(folder: Path, content: str) -> list[str]:
    (folder / "requirements").mkdir()
    (folder / "requirements/run.txt").write_text(content, "utf-8")
    return text.lock_files(folder)


def test_a_pinned_file_is_fine(tmp_path: Path) -> None:
    assert locked(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://pypi.example/simple",
        "--find-links /opt/wheels",
        "click>=8.5",
        "click==8.5.1",
        "click @ https://pypi.example/click.whl",
        "# from https://pypi.example/simple",
    ],
)
def test_a_line_that_is_not_pinned_is_named(tmp_path: Path, line: str) -> None:
    (sentence,) = locked(tmp_path, GOOD + line + "\n")

    assert sentence.startswith("requirements/run.txt:7 is no pinned requirement")


@pytest.mark.parametrize("words", ["see /mnt/build/x.py", "/root/.config", "file:///srv/index", "pip --find-links x"])
def test_a_trace_of_one_machine_is_named(tmp_path: Path, words: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/page.md").write_text(f"# Page\n\n{words}\n", "utf-8")

    (sentence,) = text.machine_words(tmp_path)

    assert sentence.startswith("docs/page.md:3 holds ")


def test_other_paths_are_free(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("/hooks/payments, ./work/x, https://a.example/work/y, /var/lib\n", "utf-8")

    assert text.machine_words(tmp_path) == []


def test_a_dead_link_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("[a](page.md#x) [b](https://a.example) [c](#y) [d](gone.md) [e](dir/)\n", "utf-8")
    (tmp_path / "dir").mkdir()

    assert text.links(tmp_path) == ["page.md links to gone.md, which is not there"]
