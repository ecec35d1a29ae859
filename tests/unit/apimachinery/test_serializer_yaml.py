import pytest

from apimachinery.serializer import yaml


def test_yaml_becomes_json_values():
    document = yaml.decode(
        b"a: yes\nb: 2024-01-01T00:00:00Z\nc: [1, 1.5, null]\n2: x\ntrue: y\n"
    )

    assert document == {
        "a": True,
        "b": "2024-01-01T00:00:00Z",
        "c": [1, 1.5, None],
        "2": "x",
        "true": "y",
    }


def test_a_stream_has_several_documents():
    assert list(yaml.decode_all("a: 1\n---\n---\nb: 2\n")) == [{"a": 1}, None, {"b": 2}]


def test_json_is_read_as_json():
    assert yaml.decode(b'{"a": "\\ud83d\\ude00"}') == {"a": "\U0001f600"}


@pytest.mark.parametrize(
    "text", ["a: [", "a: b: c", "\t- x", "!!python/object:os.x {}"]
)
def test_other_texts_are_refused(text):
    with pytest.raises(yaml.YamlSyntaxError, match=r"^yaml: "):
        yaml.decode(text)


def test_documents_are_written_in_block_style_with_sorted_keys():
    assert yaml.encode({"b": [1, {"c": "ü"}], "a": None}) == (
        "a: null\nb:\n- 1\n- c: ü\n".encode()
    )
