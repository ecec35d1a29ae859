from apimachinery import schema
from apimachinery.schema import Kind, Shape


def test_a_kind_is_found_by_its_two_names():
    pod = schema.lookup("v1", "Pod")

    assert (pod.group_version, pod.name) == ("core/v1", "Pod")
    assert schema.lookup("apps/v1", "Deployment").group_version == "apps/v1"
    assert schema.lookup("v1", "Status").group_version == "meta/v1"
    assert schema.lookup("example.com/v1", "Foo") is None


def test_fields_lead_to_their_types():
    spec = schema.lookup("v1", "Pod").fields["spec"].message
    containers = spec.fields["containers"]

    assert (containers.shape, containers.kind) == (Shape.LIST, Kind.MESSAGE)
    assert containers.message.name == "Container"
    assert containers.patch_merge_key == "name"
    assert containers.list_map_keys == ("name",)
    assert containers.merges


def test_inlined_structs_are_unfolded_in_json_but_not_in_protobuf():
    volume = schema.message("core/v1", "Volume")

    assert "emptyDir" in volume.fields
    assert volume.by_number[2].inline


def test_what_apply_owns_as_a_whole_is_atomic():
    pod_spec = schema.message("core/v1", "PodSpec").fields
    selector = schema.message("apps/v1", "DeploymentSpec").fields["selector"]

    assert pod_spec["nodeSelector"].atomic
    assert pod_spec["tolerations"].atomic
    assert selector.atomic
    assert not pod_spec["containers"].atomic


def test_every_type_in_the_table_can_be_built():
    for api_version, kind in schema.kinds():
        message = schema.lookup(api_version, kind)
        assert all(field.name for field in message.fields.values())
