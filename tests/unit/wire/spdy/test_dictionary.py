"""The dictionary, against the sums of the published one."""

import hashlib
import zlib

from wire.spdy.dictionary import DICTIONARY


def test_the_dictionary_is_the_published_one():
    digest = hashlib.sha256(DICTIONARY).hexdigest()

    assert len(DICTIONARY) == 1423
    assert zlib.adler32(DICTIONARY) == 0xE3C6A7C2
    assert digest == "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
