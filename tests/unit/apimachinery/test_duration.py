import pytest

from apimachinery.duration import human_duration, short_human_duration

M, H, D, Y = 60, 3600, 86400, 365 * 86400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119.9, "119s"),
        (2 * M, "2m"),
        (2 * M + 1, "2m1s"),
        (10 * M, "10m"),
        (3 * H - 1, "179m"),
        (3 * H, "3h"),
        (3 * H + 5 * M, "3h5m"),
        (8 * H, "8h"),
        (48 * H - 1, "47h"),
        (2 * D, "2d"),
        (2 * D + H, "2d1h"),
        (8 * D, "8d"),
        (2 * Y - 1, "729d"),
        (2 * Y + 3 * D, "2y3d"),
        (8 * Y, "8y"),
    ],
)
def test_ages_grow_coarser(seconds, text):
    assert human_duration(seconds) == text


def test_short_ages_have_one_unit():
    ages = [short_human_duration(s) for s in (59, 200, 5 * H + 1, 20 * D, 3 * Y)]

    assert ages == ["59s", "3m", "5h", "20d", "3y"]
