"""S3's documents are read and written; broken and hostile ones are refused."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.errors import StoreError
from lading.store.checksum import Checksum, checksum
from lading.store.s3.documents import (
    LARGEST,
    Listed,
    ListedVersion,
    ListPage,
    OpenUpload,
    PartsPage,
    Refusal,
    StoredPart,
    UploadsPage,
    VersionsPage,
    complete_request,
    delete_request,
    fits_xml,
    parse_begun,
    parse_completed,
    parse_deleted,
    parse_list,
    parse_parts,
    parse_refusal,
    parse_uploads,
    parse_versioning,
    parse_versions,
)

NS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
PARSERS: list[Callable[[bytes], object]] = [
    *(parse_begun, parse_completed, parse_deleted, parse_list, parse_parts, parse_uploads, parse_versioning, parse_versions)
]


def test_a_listing_is_a_page_of_objects() -> None:
    page = parse_list(
        f"""<?xml version="1.0" encoding="UTF-8"?><ListBucketResult {NS}><Name>b</Name><EncodingType>url</EncodingType>
        <IsTruncated>true</IsTruncated><NextContinuationToken>1/abc=</NextContinuationToken>
        <Contents><Key>a+b%2B%01/%C3%A9</Key><LastModified>2026-11-21T10:00:00.000Z</LastModified><Size>3</Size><ETag>&quot;x&quot;</ETag></Contents></ListBucketResult>""".encode()
    )

    assert page == ListPage((Listed("a b+\x01/é", 3, '"x"', 1795255200.0),), "1/abc=")


def test_a_server_without_the_encoding_of_urls_is_taken_literally() -> None:
    page = parse_list(b"<ListBucketResult><Contents><Key>a+b%2B</Key><Size>3</Size></Contents></ListBucketResult>")

    assert page == ListPage((Listed("a+b%2B", 3, ""),), None)


def test_parts_have_the_checksum_that_the_store_computed() -> None:
    page = parse_parts(
        f"""<ListPartsResult {NS}><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>
        <Part><PartNumber>1</PartNumber><ETag>"a"</ETag><Size>9</Size><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part>
        <Part><PartNumber>2</PartNumber><ETag>"b"</ETag><Size>1</Size></Part></ListPartsResult>""".encode()
    )

    first = StoredPart(1, '"a"', 9, Checksum("crc32", 0xCBF43926.to_bytes(4, "big")))
    assert page == PartsPage((first, StoredPart(2, '"b"', 1)), "2")


def test_open_uploads_have_a_time_and_a_next_page() -> None:
    page = parse_uploads(
        f"""<ListMultipartUploadsResult {NS}><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
        <NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>u1</NextUploadIdMarker>
        <Upload><Key>a+b</Key><UploadId>u1</UploadId><Initiated>2026-11-21T10:00:00.000Z</Initiated></Upload>
        </ListMultipartUploadsResult>""".encode()
    )

    assert page == UploadsPage((OpenUpload("a b", "u1", 1795255200.0),), ("a b", "u1"))


def test_a_complete_that_failed_late_is_a_refusal_after_blanks() -> None:
    body = b'\n \n<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Sorry</Message></Error>'

    assert parse_completed(body) == Refusal("InternalError", "Sorry")
    assert parse_completed(f"<CompleteMultipartUploadResult {NS}/>".encode()) is None


def test_an_answer_that_is_neither_success_nor_error_is_refused() -> None:
    for body in (b"", b"<html/>", b"<CompleteMultipartUploadResult>"):
        with pytest.raises(StoreError):
            parse_completed(body)


def test_an_upload_without_a_name_is_refused() -> None:
    assert parse_begun(b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>") == "u"
    with pytest.raises(StoreError, match="did not name it"):
        parse_begun(b"<InitiateMultipartUploadResult/>")


def test_an_error_says_its_code_and_the_right_region() -> None:
    body = b"<Error><Code>PermanentRedirect</Code><Message>Go</Message><Region>eu-west-1</Region></Error>"

    assert parse_refusal(body) == Refusal("PermanentRedirect", "Go", "eu-west-1")
    assert parse_refusal(b"<ErrorResponse><Error><Code>SlowDown</Code></Error></ErrorResponse>") == Refusal("SlowDown")
    assert parse_refusal(b"<html>Bad gateway</html>") is None


def test_versions_come_without_the_marks_of_deletion() -> None:
    body = b"""<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
    <NextKeyMarker>a%2Fb</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>
    <Version><Key>a%2Fb</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest><ETag>"e"</ETag><Size>3</Size></Version>
    <DeleteMarker><Key>c</Key><VersionId>v4</VersionId><IsLatest>true</IsLatest></DeleteMarker></ListVersionsResult>"""

    page = parse_versions(body)

    assert page == VersionsPage((ListedVersion("a/b", 3, '"e"', "v2", True),), ("a/b", "v1"))


@pytest.mark.parametrize(
    ("status", "versioned"), [("<Status>Enabled</Status>", True), ("<Status>Suspended</Status>", True), ("", False)]
)
def test_a_bucket_that_has_or_had_versions(status: str, versioned: bool) -> None:
    assert parse_versioning(f"<VersioningConfiguration>{status}</VersioningConfiguration>".encode()) is versioned


def test_what_was_missing_counts_as_deleted() -> None:
    body = b"""<DeleteResult><Error><Key>a</Key><Code>NoSuchKey</Code></Error>
    <Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"""

    assert parse_deleted(body) == (Refusal("AccessDenied", "no", key="b"),)


def test_a_complete_request_lists_parts_with_their_checksums() -> None:
    body = complete_request([StoredPart(1, '"a&b"', checksum=checksum("crc32", b"123456789")), StoredPart(2, '"c"')])

    assert (
        body
        == (
            f"<CompleteMultipartUpload {NS}>"
            '<Part><PartNumber>1</PartNumber><ETag>"a&amp;b"</ETag><ChecksumCRC32>y/Q5Jg==</ChecksumCRC32></Part>'
            '<Part><PartNumber>2</PartNumber><ETag>"c"</ETag></Part></CompleteMultipartUpload>'
        ).encode()
    )


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1, max_size=5))
def test_every_key_that_fits_xml_arrives_as_it_is(keys: list[str]) -> None:
    import xml.etree.ElementTree as ElementTree

    fitting = [key for key in keys if fits_xml(key)]

    root = ElementTree.fromstring(delete_request(fitting))

    assert [node.text for node in root.iter(f"{{{NS[7:-1]}}}Key")] == fitting


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><ListBucketResult>&b;</ListBucketResult>'
OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><ListBucketResult>&a;</ListBucketResult>'


@pytest.mark.parametrize("body", [BOMB, OUTSIDE, BOMB.decode().encode("utf-16"), b"<!doctype html><html></html>"])
@pytest.mark.parametrize("parse", PARSERS)
def test_entities_and_pages_of_proxies_are_refused(parse: Callable[[bytes], object], body: bytes) -> None:
    with pytest.raises(StoreError):
        parse(body)


def test_a_document_without_end_is_refused() -> None:
    with pytest.raises(StoreError, match="at most"):
        parse_list(b"<ListBucketResult>" + b" " * LARGEST)


@pytest.mark.parametrize("piece", [b"<a>", b"<a/>", b'<a b="" c="" d="" e=""/>', b"\n"])
def test_a_document_that_would_take_many_times_its_size_is_refused(piece: bytes) -> None:
    """24 MB of `<a>` took 2 GiB and half a minute."""
    with pytest.raises(StoreError, match="marks"):
        parse_list(b"<ListBucketResult>" + piece * 1_000_000)


@pytest.mark.parametrize("size", ["-1", "9" * 19, "1_0", "1e3", ""])
def test_a_size_that_cannot_be_is_refused(size: str) -> None:
    with pytest.raises(StoreError, match="<Size>"):
        parse_list(f"<ListBucketResult><Contents><Key>a</Key><Size>{size}</Size></Contents></ListBucketResult>".encode())


@given(st.binary(max_size=100) | st.text(alphabet='<>/&;="!?[]ContentsKeySizeListBucketResult ', max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_our_error(body: bytes) -> None:
    parse_refusal(body)
    for parse in PARSERS:
        try:
            parse(b"<ListBucketResult><Contents>" + body + b"</Contents></ListBucketResult>")
            parse(body)
        except StoreError:
            pass


@pytest.mark.parametrize(
    "body",
    [
        b"<ListPartsResult><Part><PartNumber>x</PartNumber></Part></ListPartsResult>",
        b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>1</Size><ChecksumCRC32>?</ChecksumCRC32></Part></ListPartsResult>",
    ],
)
def test_values_that_cannot_be_are_refused(body: bytes) -> None:
    with pytest.raises(StoreError, match="the store answered with"):
        parse_parts(body)
