"""pflag's rules and texts."""

from __future__ import annotations

import pytest

from kubectl_cli.flags import Flag, FlagError, parse

FLAGS = (
    Flag("container", short="c"),
    Flag("stdin", "bool", short="i"),
    Flag("tty", "bool", short="t"),
    Flag("watch", "bool", short="w"),
    Flag("output", short="o"),
    Flag("tail", "int", -1),
    Flag("since", "duration"),
    Flag("filename", "slice", short="f"),
    Flag("env", "array"),
    Flag("cascade", default="background", bare="background"),
)


@pytest.mark.parametrize(
    "argv",
    [
        ["-c", "x", "-i", "-t"],
        ["-it", "-c", "x"],
        ["-itc", "x"],
        ["-itcx"],
        ["-itc=x"],
        ["--container=x", "--stdin", "--tty"],
        ["--container", "x", "--stdin=true", "--tty=1"],
    ],
)
def test_all_spellings_mean_the_same(argv: list[str]) -> None:
    options = parse(FLAGS, argv)

    assert options.text("container") == "x"
    assert options.flag("stdin")
    assert options.flag("tty")


def test_arguments_and_flags_mix_until_the_dashes() -> None:
    options = parse(FLAGS, ["pod", "-i", "web", "--", "ls", "-l", "--all"])

    assert options.args == ["pod", "web", "ls", "-l", "--all"]
    assert options.dash_at == 2
    assert options.flag("stdin")


def test_a_single_dash_is_an_argument() -> None:
    assert parse(FLAGS, ["-f", "-", "-"]).items("filename") == ["-"]


def test_slices_split_and_gather_and_arrays_do_not_split() -> None:
    options = parse(FLAGS, ["-f", "a,b", "-f", "c", "--env", "x=1,2", "--env", "y=3"])

    assert options.items("filename") == ["a", "b", "c"]
    assert options.items("env") == ["x=1,2", "y=3"]


def test_a_flag_with_a_bare_value_takes_no_argument() -> None:
    options = parse(FLAGS, ["--cascade", "orphan"])

    assert options.text("cascade") == "background"
    assert options.args == ["orphan"]


def test_underscores_are_dashes_and_changes_are_known() -> None:
    flags = (Flag("dry-run", default="none"), Flag("v", "int"))

    options = parse(flags, ["--dry_run=client"])

    assert options.text("dry-run") == "client"
    assert options.changed("dry-run")
    assert not options.changed("v")


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["--foo"], "unknown flag: --foo"),
        (["--foo=1"], "unknown flag: --foo"),
        (["-x"], "unknown shorthand flag: 'x' in -x"),
        (["-ixt"], "unknown shorthand flag: 'x' in -xt"),
        (["--output"], "flag needs an argument: --output"),
        (["-wo"], "flag needs an argument: 'o' in -o"),
        (["--=x"], "bad flag syntax: --=x"),
        (["---x"], "bad flag syntax: ---x"),
        (
            ["--watch=foo"],
            'invalid argument "foo" for "-w, --watch" flag: strconv.ParseBool: parsing'
            ' "foo": invalid syntax',
        ),
        (
            ["--tail=abc"],
            'invalid argument "abc" for "--tail" flag: strconv.ParseInt: parsing "abc":'
            " invalid syntax",
        ),
        (
            ["--tail=99999999999999999999"],
            'invalid argument "99999999999999999999" for "--tail" flag:'
            ' strconv.ParseInt: parsing "99999999999999999999": value out of range',
        ),
        (
            ["--since=foo"],
            'invalid argument "foo" for "--since" flag: time: invalid duration "foo"',
        ),
        (
            ["--since=5"],
            'invalid argument "5" for "--since" flag: time: missing unit in duration "5"',
        ),
        (
            ["--since=5x"],
            'invalid argument "5x" for "--since" flag: time: unknown unit "x" in duration'
            ' "5x"',
        ),
    ],
)
def test_errors_are_pflags_own(argv: list[str], text: str) -> None:
    with pytest.raises(FlagError) as caught:
        parse(FLAGS, argv)

    assert str(caught.value) == text
