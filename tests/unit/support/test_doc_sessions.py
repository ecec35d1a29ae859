"""How sessions in pages are read and compared."""

from __future__ import annotations

import pytest

from tests.support.doc_sessions import matches, steps_of

PAGE = """\
Text.

```console
$ one --flag
its output
$ two \\
>   three
```

```
$ not played
```
"""


def test_sessions_are_the_fences_of_console():
    assert [(step.command, step.expected) for step in steps_of(PAGE)] == [
        ("one --flag", ["its output"]),
        ("two \\\n  three", []),
    ]


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (
            ["ready in 0.74 s  https://127.0.0.1:22513"],
            ["ready in 1 s https://127.0.0.1:9"],
        ),
        (["session 4c51868e663333a3"], ["session 0123456789abcdef"]),
        (["a", "…", "z"], ["a", "b", "c", "z"]),
        (["a …"], ["a b c"]),
        (["a"], ["a", ""]),
    ],
)
def test_what_may_differ_does_not_matter(expected, actual):
    assert matches(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [(["a"], []), ([], ["a"]), (["a", "b"], ["b", "a"]), (["exit one"], ["exit two"])],
)
def test_other_words_are_another_output(expected, actual):
    assert not matches(expected, actual)
