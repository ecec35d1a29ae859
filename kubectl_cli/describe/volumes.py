"""The volumes of a pod, described.

Source: kubernetes/kubectl pkg/describe/describe.go describeVolumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from apimachinery.types import JsonObject
    from kubectl_cli.describe.writer import Description

__all__ = ["describe_volumes"]


def describe_volumes(
    out: Description, volumes: list[JsonObject], indent: str = ""
) -> None:
    """Each volume with what its source says.

    With an indent, that of a template, names stand one blank further in.
    """
    if not volumes:
        out.line(f"{indent}Volumes:\t<none>")
        return
    out.line(f"{indent}Volumes:")
    for volume in volumes:
        out.line(f"{' ' if indent else ''}{volume['name']}:", 1)
        for key, describe in _SOURCES.items():
            if volume.get(key) is not None:
                describe(out, volume[key])
                break
        else:
            out.line("<unknown>", 1)


def _pairs(out: Description, *pairs: tuple[str, Any]) -> None:
    for title, value in pairs:
        out.line(f"{title}:\t{value}", 2)


def _bool(value: Any) -> str:
    return "true" if value else "false"


def _host_path(out: Description, source: JsonObject) -> None:
    kind = source.get("type")
    _pairs(
        out,
        ("Type", "HostPath (bare host directory volume)"),
        ("Path", source.get("path")),
        ("HostPathType", "<none>" if kind is None else kind),
    )


def _empty_dir(out: Description, source: JsonObject) -> None:
    limit = source.get("sizeLimit")
    _pairs(
        out,
        ("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)"),
        ("Medium", source.get("medium") or ""),
        ("SizeLimit", limit if limit and limit != "0" else "<unset>"),
    )


def _secret(out: Description, source: JsonObject) -> None:
    _pairs(
        out,
        ("Type", "Secret (a volume populated by a Secret)"),
        ("SecretName", source.get("secretName")),
        ("Optional", _bool(source.get("optional"))),
    )


def _config_map(out: Description, source: JsonObject) -> None:
    _pairs(
        out,
        ("Type", "ConfigMap (a volume populated by a ConfigMap)"),
        ("Name", source.get("name")),
        ("Optional", _bool(source.get("optional"))),
    )


def _downward(out: Description, source: JsonObject) -> None:
    out.line("Type:\tDownwardAPI (a volume populated by information about the pod)", 2)
    out.line("Items:", 2)
    for item in source.get("items") or ():
        reference = item.get("fieldRef") or item.get("resourceFieldRef") or {}
        path = reference.get("fieldPath") or reference.get("resource")
        out.line(f"{path} -> {item['path']}", 3)


def _claim(out: Description, source: JsonObject) -> None:
    _pairs(
        out,
        (
            "Type",
            "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same"
            " namespace)",
        ),
        ("ClaimName", source.get("claimName")),
        ("ReadOnly", _bool(source.get("readOnly"))),
    )


def _projected(out: Description, source: JsonObject) -> None:
    kind = "Projected (a volume that contains injected data from multiple sources)"
    _pairs(out, ("Type", kind))
    for each in source.get("sources") or ():
        if secret := each.get("secret"):
            optional = _bool(secret.get("optional"))
            _pairs(out, ("SecretName", secret.get("name")), ("Optional", optional))
        elif each.get("downwardAPI") is not None:
            _pairs(out, ("DownwardAPI", "true"))
        elif config := each.get("configMap"):
            optional = _bool(config.get("optional"))
            _pairs(out, ("ConfigMapName", config.get("name")), ("Optional", optional))
        elif token := each.get("serviceAccountToken"):
            _pairs(out, ("TokenExpirationSeconds", token.get("expirationSeconds")))


_SOURCES: dict[str, Callable[[Description, JsonObject], None]] = {
    "hostPath": _host_path,
    "emptyDir": _empty_dir,
    "secret": _secret,
    "configMap": _config_map,
    "downwardAPI": _downward,
    "persistentVolumeClaim": _claim,
    "projected": _projected,
}
