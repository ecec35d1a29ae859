"""What commands ask for: the client of the chosen cluster, its namespace, the mapper.

Everything is made when first asked for, so that `version --client` reads no file.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from apimachinery.kubeconfig import ClientConfig, Kubeconfig
    from kubectl_cli.client.rest import RestClient
    from kubectl_cli.flags import Options
    from kubectl_cli.selecting.resources import Mapper

__all__ = ["Factory"]

#: Their first question is the namespace to work in; a missing context or cluster is
#: then found by another part of clientcmd, in other words.
_NAMESPACE_FIRST = frozenset(
    [
        "annotate",
        "attach",
        "cp",
        "debug",
        "delete",
        "describe",
        "edit",
        "events",
        "exec",
        "get",
        "label",
        "logs",
        "patch",
        "port-forward",
    ]
)


class Factory:
    """Makes the parts a command needs from its global flags."""

    def __init__(self, options: Options, command: str) -> None:
        self.options = options
        self.command = command
        self._config: ClientConfig | None = None
        self._client: RestClient | None = None
        self._mapper: Mapper | None = None

    def close(self) -> None:
        """Close the connections that are left."""
        if self._client is not None:
            self._client.http.close()

    @property
    def config(self) -> ClientConfig:
        """The chosen context, with what the flags say instead."""
        if self._config is None:
            from kubectl_cli.client.client_config import load_client_config

            self._config = load_client_config(
                self.options, for_namespace=self.command in _NAMESPACE_FIRST
            )
        return self._config

    @property
    def kubeconfig(self) -> Kubeconfig:
        """All kubeconfig files, merged; for the commands that show and edit them."""
        from kubectl_cli.client.client_config import load_kubeconfig

        return load_kubeconfig(self.options, must_exist=False)

    @property
    def namespace(self) -> str:
        """The namespace to work in."""
        return self.config.namespace

    @property
    def namespace_given(self) -> bool:
        """Whether the user asked for this namespace on the command line."""
        return bool(self.options.text("namespace"))

    @property
    def client(self) -> RestClient:
        """The client of the API server."""
        if self._client is None:
            from kubectl_cli.client.rest import RestClient

            self._client = RestClient.build(self.config, self.options, self.command)
        return self._client

    @property
    def mapper(self) -> Mapper:
        """Finds the resource that a word means."""
        if self._mapper is None:
            from kubectl_cli.selecting.resources import Mapper

            self._mapper = Mapper(self)
        return self._mapper
