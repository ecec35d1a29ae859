"""Which fields of protobuf messages must not be seen."""

from __future__ import annotations

__all__ = ["EXPANDED", "SECRET_FIELDS", "hides_value"]

#: (message, field). Of a `url` only the last part, its token, is a secret; of a map all
#: values are.
SECRET_FIELDS = frozenset(
    {
        ("runtime.v1.ExecResponse", "url"),
        ("runtime.v1.AttachResponse", "url"),
        ("runtime.v1.PortForwardResponse", "url"),
        # A container's environment often comes from a Secret.
        ("runtime.v1.KeyValue", "value"),
        ("runtime.v1.AuthConfig", "password"),
        ("runtime.v1.AuthConfig", "auth"),
        ("runtime.v1.AuthConfig", "identity_token"),
        ("runtime.v1.AuthConfig", "registry_token"),
        # What a runtime adds with `verbose` repeats the whole configuration.
        ("runtime.v1.ContainerStatusResponse", "info"),
        # The whole database.
        ("etcdserverpb.SnapshotResponse", "blob"),
        ("etcdserverpb.AuthenticateRequest", "password"),
        ("etcdserverpb.AuthenticateResponse", "token"),
        ("etcdserverpb.AuthUserAddRequest", "password"),
        ("etcdserverpb.AuthUserChangePasswordRequest", "password"),
    }
)

#: (message, field) into which values of the `envs` beside it may have been expanded.
EXPANDED = frozenset(
    {
        ("runtime.v1.ContainerConfig", "command"),
        ("runtime.v1.ContainerConfig", "args"),
    }
)

_PAIRS = frozenset(
    {"mvccpb.KeyValue", "etcdserverpb.PutRequest", "etcdserverpb.Compare"}
)
#: Parts of the keys under which Kubernetes keeps Secrets in etcd.
_SECRET_KEY = b"/secrets/"


def hides_value(message: str, key: bytes) -> bool:
    """Whether the field `value` beside this key is a Secret."""
    return message in _PAIRS and _SECRET_KEY in key
