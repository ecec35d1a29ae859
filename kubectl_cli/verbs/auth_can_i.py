"""`auth can-i`: whether we may do something.

Source: kubernetes/kubectl pkg/cmd/auth/cani.go.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kubectl_cli.errors import CommandError, SilentExitError
from kubectl_cli.flags import Flag

if TYPE_CHECKING:
    from apimachinery.types import JsonObject
    from kubectl_cli.client.factory import Factory
    from kubectl_cli.flags import Options

SUMMARY = "Ask whether an action is allowed."
USE = "auth can-i VERB [TYPE | TYPE/NAME | NONRESOURCEURL]"
EXAMPLES = """kubectl auth can-i create pods
kubectl auth can-i get pods/log --subresource=log
kubectl auth can-i get /logs/"""
FLAGS = (
    Flag("all-namespaces", "bool", short="A", help="In all namespaces."),
    Flag("list", "bool", help="List all that is allowed."),
    Flag("no-headers", "bool", help="No line of headers, with --list."),
    Flag("quiet", "bool", short="q", help="Print nothing, only the exit code."),
    Flag("subresource", help="Such as pods/log or deployments/scale."),
)
#: What kubectl knows; of others it warns, and asks all the same.
_KNOWN = "get list watch create update patch delete deletecollection use bind"
_KNOWN += " impersonate * approve sign escalate attest"
_RESOURCE_VERBS = frozenset(_KNOWN.split())
_URL_VERBS = frozenset(
    {"get", "put", "post", "head", "options", "delete", "patch", "*"}
)


def run(options: Options, factory: Factory) -> int:
    """Ask the server with a SelfSubjectAccessReview."""
    if options.flag("list"):
        return _list(options, factory)
    if len(options.args) != 2:
        raise CommandError(
            "you must specify two arguments: verb resource or verb"
            " resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples."
        )
    verb, what = options.args
    spec: JsonObject
    if what.startswith("/"):
        if options.text("subresource"):
            raise CommandError("--subresource can not be used with NonResourceURL")
        _warn_of_verb(verb, _URL_VERBS)
        spec = {"nonResourceAttributes": {"path": what, "verb": verb}}
    else:
        spec = {"resourceAttributes": _attributes(options, factory, verb, what)}
    review = _post(factory, "SelfSubjectAccessReview", spec)
    return _answer(options, review.get("status") or {})


def _attributes(options: Options, factory: Factory, verb: str, what: str) -> JsonObject:
    word, _, name = what.partition("/")
    subresource = options.text("subresource")
    group, version, resource = "", "*", word
    if word != "*":
        group, version, resource = _resolve(options, factory, word)
    _warn_of_verb(verb, _RESOURCE_VERBS)
    namespace = "" if options.flag("all-namespaces") else factory.namespace
    values = {
        "namespace": namespace,
        "verb": verb,
        "group": "*" if word == "*" else group,
        "version": version,
        "resource": resource,
        "subresource": subresource,
        "name": name,
    }
    return {key: value for key, value in values.items() if value}


def _warn_of_verb(verb: str, known: frozenset[str]) -> None:
    if verb not in known:
        _warn(f"verb '{verb}' is not a known verb")


def _warn(text: str) -> None:
    print(f"Warning: {text}\n", file=sys.stderr)


def _resolve(options: Options, factory: Factory, word: str) -> tuple[str, str, str]:
    try:
        found = factory.mapper.resolve(word)
    except CommandError:
        name, _, group = word.partition(".")
        where = f' in group "{group}"' if group else ""
        _warn(f"the server doesn't have a resource type '{name}'{where}")
        return group, "*", name
    if not found.namespaced and not options.flag("all-namespaces"):
        where = f" in group '{found.group}'" if found.group else ""
        _warn(f"resource '{found.name}' is not namespace scoped{where}")
    return found.group, "*", found.name


def _post(factory: Factory, kind: str, spec: JsonObject) -> JsonObject:
    version = "authorization.k8s.io/v1"
    body = {"kind": kind, "apiVersion": version, "spec": spec}
    return factory.client.call("POST", f"/apis/{version}/{kind.lower()}s", body=body)


def _answer(options: Options, status: JsonObject) -> int:
    allowed = bool(status.get("allowed"))
    if not options.flag("quiet"):
        text = "yes" if allowed else "no"
        if not allowed and status.get("reason"):
            text += f" - {status['reason']}"
        if not allowed and status.get("evaluationError"):
            text += f" - {status['evaluationError']}"
        print(text)
    if not allowed:
        raise SilentExitError(1)
    return 0


def _list(options: Options, factory: Factory) -> int:
    if options.args:
        raise CommandError("list option must be specified with no arguments")
    spec = {"namespace": factory.namespace}
    status = _post(factory, "SelfSubjectRulesReview", spec).get("status") or {}
    if status.get("incomplete"):
        why = status.get("evaluationError") or ""
        text = "the list may be incomplete"
        print(f"warning: {text}: {why}" if why else f"warning: {text}", file=sys.stderr)
    from kubectl_cli.printers.tabwriter import align

    rows = _rule_rows(status)
    if not options.flag("no-headers"):
        rows.insert(0, "Resources\tNon-Resource URLs\tResource Names\tVerbs")
    sys.stdout.write(align(rows))
    return 0


def _rule_rows(status: JsonObject) -> list[str]:
    """A row for each resource and each path, in kubectl's order.

    Source: cani.go printStatus: the rules are taken apart (rbac BreakdownRule), those
    for resources only once, and sorted by how Go prints them.
    """
    found: dict[tuple[str, ...], str] = {}
    for rule in status.get("resourceRules") or ():
        names = _go_list(rule.get("resourceNames") or ())
        verbs = _go_list(rule.get("verbs") or ())
        for group in rule.get("apiGroups") or [""]:
            for resource in rule.get("resources") or ():
                name = f"{resource}.{group}" if group else resource
                key = (verbs, f"[{group}]", f"[{resource}]", names, "[]")
                found[key] = f"{name}\t[]\t{names}\t{verbs}"
    rows = list(found.items())
    for rule in status.get("nonResourceRules") or ():
        verbs = _go_list(rule.get("verbs") or ())
        for url in rule.get("nonResourceURLs") or ():
            key = (verbs, "[]", "[]", "[]", f"[{url}]")
            rows.append((key, f"\t[{url}]\t[]\t{verbs}"))
    return [row for _, row in sorted(rows, key=lambda each: each[0])]


def _go_list(items: list[str] | tuple[str, ...]) -> str:
    return f"[{' '.join(items)}]"
