"""The gate and its two locks among Istio's rendered resources: finds them, and takes locks out."""

from rendered import the


def extension(documents):
    """The gate's own resource, where it is of Istio's own kinds."""
    [found] = [one for one in documents if one["kind"] in ("TrafficExtension", "WasmPlugin")]
    return found


def patch_of(documents, kind):
    """The gate's own patch of a kind."""
    return next(one for one in the(documents, "EnvoyFilter", "dashgate")["spec"]["configPatches"] if one["applyTo"] == kind)


def placed(documents):
    """Where the gate's EnvoyFilter puts the gate."""
    return patch_of(documents, "HTTP_FILTER")


def is_route_lock(patch):
    return patch["applyTo"] == "HTTP_ROUTE" and "match" in patch["patch"]["value"]


def is_filter_lock(patch):
    return patch["patch"]["value"].get("name") == "dashgate-lock"


def without(documents, *kinds):
    """Takes locks out: of the routes, of the filters, or both."""
    for patch in the(documents, "EnvoyFilter", "dashgate-locks")["spec"]["configPatches"]:
        if is_route_lock in kinds and is_route_lock(patch):
            del patch["patch"]["value"]["match"]
    spec = the(documents, "EnvoyFilter", "dashgate-locks")["spec"]
    spec["configPatches"] = [one for one in spec["configPatches"] if one["patch"]["value"] and not (
        is_filter_lock in kinds and is_filter_lock(one))]
