import logging

from hops.log_lines import _FactsFormatter


def test_the_facts_of_a_record_stand_after_its_message():
    facts = {"image": "nginx", "error": 'no "such" file', "code": 5, "name_": ""}
    record = logging.makeLogRecord({"msg": "image %s", "args": ("lost",), **facts})

    line = _FactsFormatter("%(levelname).1s %(message)s").format(record)

    assert line.endswith(
        r' image lost image=nginx error="no \"such\" file" code=5 name_=""'
    )
