"""Go templates; the expected texts are those of kubectl 1.36.4."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_cli.printers.go_template import Template, TemplateError

OBJECT: dict[str, Any] = {
    "kind": "Pod",
    "metadata": {"name": "rec", "labels": {"app": "rec"}},
    "spec": {"priority": 0, "containers": [{"name": "c"}, {"name": "web"}]},
    "f": 1.5,
    "none": None,
}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.kind}} {{.metadata.labels}} {{.f}}", "Pod map[app:rec] 1.5"),
        ("{{.nope}}|{{.nope.foo}}|{{.none}}", "<no value>|<no value>|<no value>"),
        ("{{range .spec.containers}}{{.name}};{{end}}", "c;web;"),
        (
            "{{range $i, $c := .spec.containers}}{{$i}}={{$c.name}} {{end}}",
            "0=c 1=web ",
        ),
        ("{{range .nope}}x{{else}}none{{end}}", "none"),
        ("{{range $k, $v := .metadata.labels}}{{$k}}={{$v}}{{end}}", "app=rec"),
        ("{{with .metadata}}{{.name}}{{end}}", "rec"),
        ("{{if and .kind (not .nope)}}a{{else if .x}}b{{else}}c{{end}}", "a"),
        ("{{if .nope}}a{{else if .kind}}b{{else}}c{{end}}", "b"),
        ("a {{- /* gone */ -}}  b", "ab"),
        ("{{$v := .kind}}{{$v}}", "Pod"),
        (
            '{{index .metadata.labels "app"}}{{index .spec.containers 1}}',
            "recmap[name:web]",
        ),
        ("{{len .spec.containers}}{{.spec.priority}}", "20"),
        ('{{.metadata.name | printf "%q"}}', '"rec"'),
        (
            '{{printf "%-10s|%5d|%v" .kind 3 .metadata.labels}}',
            "Pod       |    3|map[app:rec]",
        ),
        ('{{eq .kind "Pod"}} {{ne 1 2}} {{lt 1 2}} {{ge 1 2}}', "true true true false"),
        ('{{or .nope "d"}} {{and .kind "e"}}', "d e"),
        ('{{"eA==" | base64decode}}{{html "<a>"}}', "x&lt;a&gt;"),
        ('{{print 1 2 "a" "b"}}', "1 2ab"),
        ('{{slice "abc" 1 2}}{{`raw`}}{{"tab\\t"}}', "brawtab\t"),
        ("{{(index .spec.containers 0).name}}", "c"),
    ],
)
def test_templates_render(template: str, text: str) -> None:
    assert Template(template).render(OBJECT) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.x", "template: output:1: unclosed action"),
        ("{{foo}}", 'template: output:1: function "foo" not defined'),
        ("{{if}}", "template: output:1: missing value for if"),
        ("{{range .x}}", "template: output:1: unexpected EOF"),
    ],
)
def test_malformed_templates_are_refused(template: str, text: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template(template)

    assert str(caught.value) == text


def test_a_field_of_no_object_is_an_error() -> None:
    with pytest.raises(
        TemplateError, match="can't evaluate field foo in type interface"
    ):
        Template("{{.metadata.name.foo}}").render(OBJECT)


def test_missing_keys_may_be_errors() -> None:
    with pytest.raises(TemplateError, match='map has no entry for key "nope"'):
        Template("{{.nope}}", allow_missing=False).render(OBJECT)
