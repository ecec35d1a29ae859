"""Server-side apply: PATCH with application/apply-patch+yaml.

Source: kubernetes/apiserver pkg/endpoints/handlers/patch.go, applyPatcher.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from apimachinery import status
from apimachinery.meta import api_version_kind
from apimachinery.patch.apply import Applier, apply
from apiserver.admission.chain import AdmissionRequest
from apiserver.decoding import kind_of
from apiserver.handlers.create import admit_new, warn_and_validate
from apiserver.handlers.update import authorize_create, check_identity
from apiserver.resources.objects import untracked_paths

if TYPE_CHECKING:
    from apimachinery.options import WriteOptions
    from apimachinery.patch import Patch
    from apimachinery.types import JsonObject
    from apiserver.context import RequestContext
    from apiserver.resources.objects import Updated
    from apiserver.resources.registry import Resource

__all__ = ["apply_object"]


async def apply_object(
    context: RequestContext, resource: Resource, parsed: Patch, options: WriteOptions
) -> Updated:
    """Apply a configuration; the object is made when it is missing.

    Raises:
        StatusError: 400, 403, 409, 422.
    """
    info, services = context.info, context.services
    config: JsonObject = parsed.content
    _check_type(resource, config)
    check_identity(context, resource, config)
    applier = Applier(
        kind_of(resource),
        options.field_manager,
        services.clock(),
        force=bool(options.force),
        subresource=info.subresource,
        ignored=untracked_paths(resource, info.subresource),
    )
    request = AdmissionRequest(
        "UPDATE",
        resource,
        info.subresource,
        info.namespace if resource.namespaced else "",
        info.name,
        context.user,
        context,
        dry_run=options.is_dry_run,
    )

    async def make(old: JsonObject) -> JsonObject:
        new = apply(old, config, applier)
        await services.admission.mutate(request, new, old)
        return new

    async def create() -> JsonObject:
        authorize_create(context)
        new = apply(None, config, applier)
        await admit_new(context, resource, new, options)
        return new

    return await services.objects.update(
        resource,
        request.namespace,
        info.name,
        make,
        subresource=info.subresource,
        check=warn_and_validate(context, resource, request),
        dry_run=options.is_dry_run,
        create=None if info.subresource else create,
    )


def _check_type(resource: Resource, config: JsonObject) -> None:
    api_version, kind = api_version_kind(config)
    shown = json.dumps(config, separators=(",", ":"), ensure_ascii=False)
    if not kind:
        raise status.bad_request(f"Object 'Kind' is missing in '{shown}'")
    if not api_version:
        raise status.bad_request(f"Object 'apiVersion' is missing in '{shown}'")
    if (api_version, kind) == (resource.group_version, resource.kind):
        return
    if kind != resource.kind:
        raise status.bad_request(
            f"{kind} in version {json.dumps(api_version.rpartition('/')[2])} cannot be"
            f" handled as a {resource.kind}: converting to it is not possible"
        )
    raise status.bad_request(
        "Incorrect version specified in apply patch. Specified patch version:"
        f" {api_version}, expected: {resource.group_version}"
    )
