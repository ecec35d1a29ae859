"""Loopback addresses for pods."""

from hypothesis import given
from hypothesis import strategies as st

from cri_runtime.addresses import NETWORK, candidates
from cri_runtime.ids import new_id

hex_ids = st.text("0123456789abcdef", min_size=64, max_size=64)


@given(hex_ids)
def test_candidates_are_usable_addresses_of_the_range_without_repetition(identity):
    addresses = candidates(identity)

    assert len(set(addresses)) == len(addresses) == 64
    for address in addresses:
        assert address.startswith("127.")
        assert 64 <= int(address.split(".")[1]) <= 127
    assert str(NETWORK[0]) not in addresses
    assert str(NETWORK[-1]) not in addresses


def test_the_order_is_the_same_each_time():
    identity = new_id()

    assert candidates(identity) == candidates(identity)
