from hypothesis import given
from hypothesis import strategies as st

from hops.brakes import HIGH, LOW, Brake

OPERATIONS = st.lists(
    st.one_of(st.integers(0, 2 * HIGH), st.sampled_from(["stop", "go on"]))
)


@given(OPERATIONS, st.booleans())
def test_a_flow_goes_on_only_when_nobody_stops_it(operations, stopped):
    flowing = not stopped
    calls = []
    brake = Brake(
        lambda: calls.append(False), lambda: calls.append(True), stopped=stopped
    )
    others, holding = stopped, False

    for operation in operations:
        match operation:
            case "stop":
                others = True
                brake.others_stop()
            case "go on":
                others = False
                brake.others_go_on()
            case held:
                holding = held > HIGH or (holding and held > LOW)
                brake.weigh(held)
        assert len(calls) <= 1  # each change once
        flowing = calls.pop() if calls else flowing
        assert flowing == (not others and not holding)
