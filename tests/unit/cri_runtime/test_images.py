"""Image names, the catalogue and the node's store."""

import json

import pytest

from cri_runtime.errors import Code, CriError
from cri_runtime.images.catalogue import Catalogue, CatalogueError
from cri_runtime.images.reference import InvalidReference, parse
from cri_runtime.images.store import Images

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("library/nginx", "docker.io/library/nginx:latest"),
        ("docker.io/nginx", "docker.io/library/nginx:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("docker.io/library/nginx:1.27", "docker.io/library/nginx:1.27"),
        ("user/app", "docker.io/user/app:latest"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/a/b:v1", "localhost:5000/a/b:v1"),
        ("[::1]:5000/a", "[::1]:5000/a:latest"),
        (f"nginx@{DIGEST}", f"docker.io/library/nginx@{DIGEST}"),
        (f"nginx:1.27@{DIGEST}", f"docker.io/library/nginx:1.27@{DIGEST}"),
        ("a__b-c.d", "docker.io/library/a__b-c.d:latest"),
    ],
)
def test_references_are_completed_as_docker_does(text, complete):
    assert str(parse(text)) == complete


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "invalid reference format"),
        (" ", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("nginx:", "invalid reference format"),
        ("-nginx", "invalid reference format"),
        ("nginx@sha256:abc", "invalid reference format"),
        ("Nginx", "repository name must be lowercase"),
        ("docker.io/Library/nginx", "repository name must be lowercase"),
    ],
)
def test_what_names_no_image_is_refused(text, reason):
    with pytest.raises(InvalidReference, match=reason):
        parse(text)


@pytest.mark.parametrize(
    "name",
    [
        "registry.k8s.io/pause",
        "busybox",
        "alpine",
        "debian",
        "ubuntu",
        "bash",
        "python",
        "nginx",
        "mini-kube/echo",
    ],
)
def test_the_built_in_images_have_a_program_and_a_size(name):
    image = Catalogue.load().find(parse(name))

    assert image.entry.entrypoint or image.entry.command
    assert image.entry.size > 0
    assert image.id.startswith("sha256:")
    assert len(image.id) == 71


def test_equal_references_are_equal_images_and_tags_are_images_of_their_own():
    catalogue = Catalogue.load()
    ids = [
        catalogue.find(parse(n)).id for n in ("nginx", "docker.io/nginx", "nginx:1.27")
    ]

    assert ids[0] == ids[1] != ids[2]


def catalogue_of(tmp_path, text):
    path = tmp_path / "images.yaml"
    path.write_text(text)
    return Catalogue.load(str(path))


def test_the_users_entries_are_added_and_win(tmp_path):
    catalogue = catalogue_of(
        tmp_path,
        """
        images:
          - name: nginx
            entrypoint: [my-nginx]
          - names: [example.com/a, example.com/b]
            command: ["{python}", "-c", "pass"]
        """,
    )

    assert catalogue.find(parse("nginx")).entry.entrypoint == ("my-nginx",)
    assert catalogue.find(parse("example.com/b")).entry.command[0].startswith("/")
    assert catalogue.find(parse("busybox")) is not None


def test_an_entry_may_limit_its_tags(tmp_path):
    catalogue = catalogue_of(tmp_path, "images: [{name: a, tags: ['1']}]")

    assert catalogue.find(parse("a:1")) is not None
    assert catalogue.find(parse("a")) is None


def test_an_image_is_found_by_the_digest_it_was_given(tmp_path):
    catalogue = catalogue_of(tmp_path, "images: [{name: a, tags: ['1']}]")
    digest = catalogue.find(parse("a:1")).repo_digest

    assert str(catalogue.find(parse(digest)).reference) == "docker.io/library/a:1"
    assert catalogue.find(parse(f"a@{DIGEST}")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "expected a mapping"),
        ("images: x", "expected a mapping"),
        ("images: [{}]", r"images\[0\]"),
        ("images: [{name: a, nope: 1}]", r"images\[0\].*nope"),
        ("images: [{name: A}]", r"images\[0\]: repository name must be lowercase"),
        ("images: [{name: a, command: echo}]", r"command: expected a list of strings"),
        ("images: [", "images.yaml"),
    ],
)
def test_a_catalogue_that_makes_no_sense_is_refused_with_the_place(
    tmp_path, text, message
):
    with pytest.raises(CatalogueError, match=message):
        catalogue_of(tmp_path, text)


def test_a_catalogue_that_is_not_there_is_refused():
    with pytest.raises(CatalogueError, match="/nope"):
        Catalogue.load("/nope")


@pytest.fixture
def images(tmp_path):
    return Images(Catalogue.load(), tmp_path / "images.json", "permissive")


def test_what_was_pulled_is_found_under_every_form_of_its_name(images):
    image = images.pull("nginx:1.27")

    for name in (
        "nginx:1.27",
        "docker.io/library/nginx:1.27",
        image.id,
        image.id[7:19],
    ):
        assert images.find(name) == image
    assert images.find(image.repo_digest) == image
    assert images.find("nginx") is None


def test_what_was_removed_is_no_longer_there(images):
    image = images.pull("nginx")

    images.remove(image.id)
    images.remove("never:there")

    assert images.find("nginx") is None


def test_the_store_is_on_disk(images, tmp_path):
    image = images.pull("nginx:1.27")
    images.pull(f"example.com/other@{DIGEST}")

    again = Images(Catalogue.load(), tmp_path / "images.json", "permissive")

    assert again.find("nginx:1.27") == image
    assert {i.id for i in again.all()} == {i.id for i in images.all()}
    assert not json.loads((tmp_path / "images.json").read_text()).keys() - {
        "references"
    }


@pytest.mark.parametrize("text", ["", '{"refer', "[]", "{}"])
def test_a_damaged_list_of_images_is_begun_anew(text, tmp_path):
    path = tmp_path / "images.json"
    path.write_text(text)

    images = Images(Catalogue.load(), path, "permissive")

    assert images.find("nginx") is None
    assert images.find(images.pull("nginx").id)


def test_an_image_by_digest_keeps_that_digest(images):
    assert (
        images.pull(f"nginx@{DIGEST}").repo_digest
        == f"docker.io/library/nginx@{DIGEST}"
    )


def test_a_name_that_is_none_cannot_be_pulled(images):
    with pytest.raises(CriError, match="failed to parse image reference") as caught:
        images.pull("A B")

    assert caught.value.code is Code.INVALID_ARGUMENT
    assert images.find("A B") is None
