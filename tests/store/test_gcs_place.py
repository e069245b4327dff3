"""What `gs://` URLs and the environment say of where a store lies."""

import pytest

from lading.errors import InvalidValueError
from lading.store.gcs.place import GOOGLE, Place, is_component


def place(url: str, **environment: str) -> Place:
    return Place.of(url, environment)


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("gs://my-bucket", "my-bucket", ""),
        ("gs://my-bucket/", "my-bucket", ""),
        ("gs://my.bucket_1/a/b/", "my.bucket_1", "a/b"),
        ("gs://my-bucket/a%20b?anonymous=1", "my-bucket", "a b"),
    ],
)
def test_a_url_names_a_bucket_and_perhaps_a_prefix(url: str, bucket: str, prefix: str) -> None:
    found = place(url)

    assert (found.bucket, found.prefix, found.endpoint) == (bucket, prefix, GOOGLE)
    assert found.key(found.name("k/1")) == "k/1"


@pytest.mark.parametrize(
    "url",
    [
        "gs://",
        "gs:///a",
        "gs://UPPER",
        "gs://a",
        "gs://me@bucket/x",
        "s3://bucket",
        "gs://bucket?region=x",
        "gs://bucket?anonymous=maybe",
        "gs://bucket?endpoint=ftp://x",
    ],
)
def test_a_url_that_cannot_be_says_why(url: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        place(url)

    assert any(word in str(error.value) for word in url.partition("?")[2].split("="))


@pytest.mark.parametrize(
    "url",
    [
        "gs://me:sesame@bucket/x",
        "gs://me:+/sesame@bucket/x",
        "gs://bucket?endpoint=https://me:sesame@host",
        "gs://bucket?me=sesame",
    ],
)
def test_a_url_with_a_user_is_refused_and_no_password_is_told(url: str) -> None:
    with pytest.raises(InvalidValueError) as error:
        place(url)

    assert "sesame" not in str(error.value)


@pytest.mark.parametrize("host", ["http://localhost:4443", "localhost:4443", "http://localhost:4443/"])
def test_an_emulator_needs_no_scheme_and_no_credentials(host: str) -> None:
    found = place("gs://bucket", STORAGE_EMULATOR_HOST=host)

    assert (found.endpoint, found.anonymous) == ("http://localhost:4443", True)


def test_an_endpoint_of_the_url_goes_before_the_emulator_and_asks_for_credentials() -> None:
    found = place("gs://bucket?endpoint=https://storage.me-central2.rep.googleapis.com", STORAGE_EMULATOR_HOST="localhost:1")

    assert (found.endpoint, found.anonymous) == ("https://storage.me-central2.rep.googleapis.com", False)


def test_credentials_and_who_pays() -> None:
    found = place("gs://bucket?user_project=mine", GOOGLE_APPLICATION_CREDENTIALS="/c.json")

    assert (found.credentials, found.user_project, found.anonymous) == ("/c.json", "mine", False)
    assert place("gs://bucket?project=mine").user_project == "mine"
    assert place("gs://bucket?anonymous=1").anonymous
    assert not place("gs://bucket?anonymous=0").anonymous


def test_the_name_of_a_store_leads_back_to_it() -> None:
    found = place("gs://bucket/a%20b?endpoint=http://x:1&user_project=p")

    assert place(found.url) == found
    assert place("gs://bucket/a").url == "gs://bucket/a"


def test_the_url_of_an_object_has_its_name_as_one_segment() -> None:
    found = place("gs://bucket/a")

    assert found.api(found.name("b/é?#%"), query={"alt": "media"}) == (
        f"{GOOGLE}/storage/v1/b/bucket/o/a%2Fb%2F%C3%A9%3F%23%25?alt=media"
    )
    assert found.upload("a/b c", {"x": "1"}) == f"{GOOGLE}/upload/storage/v1/b/bucket/o?uploadType=media&name=a%2Fb+c&x=1"


def test_components_are_told_by_a_folder_of_their_own_at_any_depth() -> None:
    assert is_component(".lading-components/x/0-1")
    assert is_component("a/.lading-components/x/0-1")
    assert not is_component("a/.lading-components-no/x")
