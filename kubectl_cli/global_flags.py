"""The flags every command takes.

Source: kubernetes/cli-runtime pkg/genericclioptions/config_flags.go; the order and
defaults are those of `kubectl options`.
"""

from __future__ import annotations

from kubectl_cli.flags import Flag

__all__ = ["EXPLAIN_FLAG", "GLOBAL_FLAGS", "HELP_FLAG"]

HELP_FLAG = Flag("help", "bool", short="h", help="Show this help.", hidden=True)

#: Of the verbs that open streams; kubectl has no such flag.
EXPLAIN_FLAG = Flag("explain", "bool", help="Say what is waited for, and what failed.")

GLOBAL_FLAGS = (
    Flag("as", help="User to impersonate."),
    Flag("as-group", "array", help="Group to impersonate; may be repeated."),
    Flag("as-uid", help="UID to impersonate."),
    Flag("as-user-extra", "array", help="key=value to impersonate; may be repeated."),
    Flag("cache-dir", help="Folder for what was discovered about servers."),
    Flag("certificate-authority", help="File with the authority of the server."),
    Flag("client-certificate", help="File with your certificate."),
    Flag("client-key", help="File with the key of your certificate."),
    Flag("cluster", help="Cluster of the kubeconfig to use."),
    Flag("context", help="Context of the kubeconfig to use."),
    Flag("disable-compression", "bool", help="Do not ask for compressed answers."),
    Flag("insecure-skip-tls-verify", "bool", help="Accept any server. Not secure."),
    Flag("kubeconfig", help="The kubeconfig file to use."),
    Flag("kuberc", help="Accepted for compatibility; preferences are not read."),
    Flag("log-flush-frequency", "duration", 5.0, help="Accepted for compatibility."),
    Flag("match-server-version", "bool", help="Fail unless versions are the same."),
    Flag("namespace", short="n", help="The namespace to work in."),
    Flag("password", help="Password for basic authentication."),
    Flag("profile", default="none", help="Accepted for compatibility."),
    Flag("profile-output", default="profile.pprof", help="Accepted for compatibility."),
    Flag("request-timeout", default="0", help="How long one request may take (1s)."),
    Flag("server", short="s", help="Address of the API server."),
    Flag("tls-server-name", help="Name that the server's certificate must have."),
    Flag("token", help="Bearer token to show to the server."),
    Flag("user", help="User of the kubeconfig to use."),
    Flag("username", help="User name for basic authentication."),
    Flag("v", "int", short="v", help="Log level; 6 to 9 show the requests."),
    Flag("vmodule", help="Accepted for compatibility."),
    Flag("warnings-as-errors", "bool", help="A warning makes the command fail."),
)
