import pytest

from apimachinery.options import (
    DeleteOptions,
    ListOptions,
    PodExecOptions,
    PodLogOptions,
    PortForwardOptions,
    Query,
    WriteOptions,
    check,
    parse_bool,
)
from apimachinery.status import StatusError


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, False),
        (["0"], False),
        (["false"], False),
        (["FALSE"], False),
        ([""], True),
        (["1"], True),
        (["yes"], True),
        (["no"], True),
        (["true", "false"], True),
    ],
)
def test_booleans_follow_the_rule_of_the_api_server(values, expected):
    assert parse_bool(values) is expected


def test_list_options_are_read_from_the_query():
    options = ListOptions.from_query(
        Query({"watch": "1", "limit": "500", "labelSelector": "a=b", "foo": "bar"})
    )

    assert options.watch
    assert options.limit == 500
    assert options.label_selector.matches({"a": "b"})
    assert options.send_initial_events is None


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"limit": "x"}, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ({"limit": ""}, 'strconv.ParseInt: parsing "": invalid syntax'),
        *(
            (
                {"timeoutSeconds": digits},
                f'strconv.ParseInt: parsing "{digits}": value out of range',
            )
            for digits in ("9" * 30, "-" + "9" * 30, "9" * 5000, str(2**63))
        ),
        ({"fieldSelector": "x"}, "invalid selector: 'x'; can't understand 'x'"),
    ],
)
def test_a_value_that_cannot_be_read_is_a_bad_request(query, message):
    with pytest.raises(StatusError) as caught:
        ListOptions.from_query(Query(query))

    assert (caught.value.code, caught.value.message) == (400, message)


@pytest.mark.parametrize(
    ("text", "number"),
    [("+5", 5), ("-0", 0), ("0" * 5000 + "7", 7), (str(-(2**63)), -(2**63))],
)
def test_numbers_have_a_sign_and_zeros_in_front(text, number):
    assert ListOptions.from_query(Query({"timeoutSeconds": text})).timeout_seconds == (
        number
    )


MATCH = "resourceVersionMatch"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            {MATCH: "Exact"},
            f"{MATCH}: Forbidden: {MATCH} is forbidden unless resourceVersion is provided",
        ),
        (
            {MATCH: "Exact", "resourceVersion": "0"},
            f'{MATCH}: Forbidden: {MATCH} "exact" is forbidden for resourceVersion "0"',
        ),
        (
            {MATCH: "foo", "resourceVersion": "1"},
            f'{MATCH}: Unsupported value: "foo": supported values: "Exact",'
            ' "NotOlderThan", ""',
        ),
        (
            {"sendInitialEvents": "true"},
            "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
        (
            {"watch": "true", "sendInitialEvents": "true"},
            f"{MATCH}: Forbidden: sendInitialEvents requires setting {MATCH} to"
            " NotOlderThan",
        ),
        (
            {"watch": "true", MATCH: "NotOlderThan"},
            f"{MATCH}: Forbidden: {MATCH} is forbidden for watch unless"
            " sendInitialEvents is provided",
        ),
    ],
)
def test_list_options_that_do_not_fit_together_are_invalid(query, message):
    errors = ListOptions.from_query(Query(query)).validate()

    with pytest.raises(StatusError) as caught:
        check("ListOptions", errors)

    assert caught.value.code == 422
    assert caught.value.message == f'ListOptions.meta.k8s.io "" is invalid: {message}'


def test_watch_list_is_refused_when_it_is_switched_off():
    options = ListOptions.from_query(
        Query({"watch": "1", "sendInitialEvents": "1", MATCH: "NotOlderThan"})
    )

    assert options.validate() == []
    assert [str(error) for error in options.validate(watch_list_enabled=False)] == [
        "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless"
        " the WatchList feature gate is enabled"
    ]


def test_delete_options_come_from_a_body():
    options = DeleteOptions.from_object(
        {
            "kind": "DeleteOptions",
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Background",
            "preconditions": {"uid": "u"},
            "dryRun": ["All"],
        }
    )

    assert options.grace_period_seconds == 0
    assert options.preconditions.uid == "u"
    assert options.is_dry_run
    assert options.validate() == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"propagationPolicy": "X"},
            'propagationPolicy: Unsupported value: "X": supported values: "Foreground",'
            ' "Background", "Orphan", "nil"',
        ),
        (
            {"propagationPolicy": "Orphan", "orphanDependents": True},
            'propagationPolicy: Invalid value: "Orphan": orphanDependents and'
            " deletionPropagation cannot be both set",
        ),
        (
            {"dryRun": ["Some"]},
            'dryRun: Unsupported value: ["Some"]: supported values: "All"',
        ),
    ],
)
def test_delete_options_that_make_no_sense_are_invalid(body, message):
    errors = DeleteOptions.from_object(body).validate()

    assert [str(error) for error in errors] == [message]


def test_delete_options_of_a_wrong_type_are_a_bad_request():
    with pytest.raises(StatusError) as caught:
        DeleteOptions.from_object({"gracePeriodSeconds": "1"})

    assert caught.value.message == (
        "json: cannot unmarshal string into Go struct field"
        " DeleteOptions.gracePeriodSeconds of type int64"
    )


def test_apply_needs_a_manager_and_other_patches_know_no_force():
    apply, patch = WriteOptions(), WriteOptions.from_query(Query({"force": "true"}))

    assert [str(error) for error in apply.validate_patch(apply=True)] == [
        "fieldManager: Required value: is required for apply patch"
    ]
    assert [str(error) for error in patch.validate_patch(apply=False)] == [
        "force: Forbidden: may not be specified for non-apply patch"
    ]


def test_exec_options_make_the_query_they_are_read_from():
    pairs = [
        ("command", "sh"),
        ("command", "-c"),
        ("container", "c"),
        ("stdin", "true"),
    ]

    options = PodExecOptions.from_query(Query(pairs))

    assert options.command == ("sh", "-c")
    assert options.to_query() == pairs


def test_ports_may_be_repeated_or_listed():
    options = PortForwardOptions.from_query(
        Query([("ports", "80,443"), ("ports", "1")])
    )

    assert options.ports == (80, 443, 1)


@pytest.mark.parametrize(
    ("ports", "problem"),
    [
        ("x", 'parsing "x": invalid syntax'),
        ("", 'parsing "": invalid syntax'),
        ("80,", 'parsing "": invalid syntax'),
        ("-1", 'parsing "-1": invalid syntax'),
        ("+80", 'parsing "+80": invalid syntax'),
        ("80,65536", 'parsing "65536": value out of range'),
    ],
)
def test_a_port_has_sixteen_bits(ports, problem):
    with pytest.raises(StatusError) as caught:
        PortForwardOptions.from_query(Query([("ports", ports)]))

    assert caught.value.code == 400
    assert caught.value.message == (
        f"cannot convert to []int32: strconv.ParseUint: {problem}"
    )


def test_log_options_make_the_query_they_are_read_from():
    query = Query(
        {"tailLines": "0", "follow": "true", "sinceTime": "2024-01-01T00:00:00Z"}
    )

    options = PodLogOptions.from_query(query)

    assert options.tail_lines == 0
    assert options == PodLogOptions.from_query(Query(options.to_query()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            PodLogOptions(tail_lines=-1),
            "tailLines: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            PodLogOptions(limit_bytes=0),
            "limitBytes: Invalid value: 0: must be greater than 0",
        ),
        (
            PodLogOptions(since_seconds=0),
            "sinceSeconds: Invalid value: 0: must be greater than 0",
        ),
        (
            PodLogOptions(since_seconds=1, since_time="2024-01-01T00:00:00Z"),
            "<nil>: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be"
            " specified",
        ),
    ],
)
def test_log_options_out_of_range_are_invalid(options, message):
    assert [str(error) for error in options.validate()] == [message]


@pytest.mark.parametrize(
    ("options", "split", "message"),
    [
        (PodLogOptions(stream="All"), False, "stream: Forbidden: may not be specified"),
        (
            PodLogOptions(stream="Both"),
            True,
            'stream: Unsupported value: "Both": supported values: "All", "Stdout",'
            ' "Stderr"',
        ),
        (
            PodLogOptions(stream="Stdout", tail_lines=0),
            True,
            "<nil>: Forbidden: `tailLines` and specific `stream` are mutually exclusive"
            " for now",
        ),
    ],
)
def test_a_stream_of_a_log_needs_its_gate_and_excludes_the_tail(
    options, split, message
):
    assert [str(error) for error in options.validate(split_streams=split)] == [message]


@pytest.mark.parametrize("stream", ["", "All", "Stdout", "Stderr"])
def test_the_streams_of_a_log(stream):
    assert PodLogOptions(stream=stream).validate(split_streams=True) == []
