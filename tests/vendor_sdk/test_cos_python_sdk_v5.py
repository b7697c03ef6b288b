"""cos-python-sdk-v5 against a bucket, and tencentcloud-sdk-python's STS against the keys that open it.

The SDK gives headers out in a plain dict under the names that came. The sandbox's server writes all names in lower
case, as HTTP allows, and COS writes ``ETag``; hence ``etag`` here, where it is a header and no element of a document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests
from qcloud_cos import CosConfig, CosS3Client
from qcloud_cos.cos_exception import CosServiceError
from tencentcloud.common import credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.sts.v20180813 import models
from tencentcloud.sts.v20180813.sts_client import StsClient

from tests.vendor_sdk.conftest import Call, StartFront
from tests.vendor_sdk.front import Front

KEY = "报表/订单 1+.csv"
MB = 1024**2


@dataclass(frozen=True)
class Bucket:
    """One bucket behind the front."""

    front: Front
    call: Call
    account: Mapping[str, str]
    sandbox: Any

    @property
    def name(self) -> str:
        return self.account["bucket"]

    def cos(self, **changed: str) -> CosS3Client:
        """The SDK, as its documentation configures it."""
        given = {"SecretId": self.account["secret_id"], "SecretKey": self.account["secret_key"], **changed}
        return CosS3Client(CosConfig(Region=self.account["region"], Scheme="https", **given), retry=0)

    def sts(self, secret_key: str = "") -> StsClient:
        pair = credential.Credential(self.account["secret_id"], secret_key or self.account["secret_key"])
        # Its requests trust certifi's authorities unless the profile names others; no variable is asked.
        trusting = HttpProfile(certification=str(self.front.authority.bundle))
        return StsClient(pair, self.account["region"], ClientProfile(httpProfile=trusting))

    async def refused(self, function: Any, *args: Any, **kwargs: Any) -> tuple[int, str]:
        """Status and code that the SDK tells."""
        with pytest.raises(CosServiceError) as caught:
            await self.call(function, *args, **kwargs)
        return caught.value.get_status_code(), caught.value.get_error_code()


@pytest.fixture
async def bucket(start_front: StartFront, call: Call) -> Bucket:
    sandbox, front = await start_front("cloud_storage")
    account = sandbox.describe()["platforms"]["cloud_storage"]["accounts"]["assets"]
    return Bucket(front, call, account, sandbox)


async def quirk(bucket: Bucket, name: str, times: int) -> None:
    await bucket.sandbox.platforms["cloud_storage"].actions()["quirk"]({"name": name, "times": times})


async def test_put_head_get_and_delete(bucket: Bucket) -> None:
    cos, call, name = bucket.cos(), bucket.call, bucket.name
    put = await call(cos.put_object, name, b"hello", KEY, EnableMD5=True, Metadata={"x-cos-meta-k": "v"})
    assert (put["etag"], put["x-cos-hash-crc64ecma"]) == (
        '"5d41402abc4b2a76b9719d911017c592"',
        "11177612005948864433",
    )
    head = await call(cos.head_object, name, KEY)
    assert (head["content-length"], head["x-cos-meta-k"]) == ("5", "v")
    got = await call(cos.get_object, name, KEY, Range="bytes=1-3")
    assert (await call(got["Body"].get_raw_stream().read), got["content-range"]) == (b"ell", "bytes 1-3/5")
    await call(cos.delete_object, name, KEY)
    await call(cos.delete_object, name, KEY)
    assert await call(cos.object_exists, name, KEY) is False
    assert set(bucket.front.seen) == {f"{name}.cos.{bucket.account['region']}.myqcloud.com"}


async def test_refusals_of_objects(bucket: Bucket) -> None:
    cos, name = bucket.cos(), bucket.name
    assert await bucket.refused(cos.get_object, name, "none") == (404, "NoSuchKey")
    # HEAD has no document, so the SDK makes a code of its own.
    assert await bucket.refused(cos.head_object, name, "none") == (404, "NoSuchResource")
    await bucket.call(cos.put_object, name, b"hello", "a")
    assert await bucket.refused(cos.get_object, name, "a", Range="bytes=9-") == (416, "InvalidRange")
    assert await bucket.refused(cos.get_object, name, "a", IfMatch='"0"') == (412, "PreconditionFailed")
    assert await bucket.refused(cos.put_object, name, b"x", "a", ContentMD5="XUFAKrxLKna5cZ2REBfFkg==") == (
        400,
        "BadDigest",
    )
    assert await bucket.refused(cos.put_object, name, b"x", "a", StorageClass="GLACIER") == (
        400,
        "NotSupportedStorageClass",
    )
    assert await bucket.refused(cos.put_object, name, b"x", "k" * 851) == (400, "KeyTooLong")
    other = "yujian-members-1250000000"
    assert await bucket.refused(cos.put_object, other, b"x", "a") == (403, "AccessDenied")
    assert await bucket.refused(cos.put_object, "nobody-1250000000", b"x", "a") == (404, "NoSuchBucket")


async def test_refusals_of_credentials(bucket: Bucket) -> None:
    name = bucket.name
    wrong = bucket.cos(SecretKey="wrong")
    assert await bucket.refused(wrong.get_object, name, "a") == (403, "SignatureDoesNotMatch")
    unknown = bucket.cos(SecretId="AKIDnobody")
    assert await bucket.refused(unknown.get_object, name, "a") == (403, "InvalidAccessKeyId")
    stray = bucket.cos(Token="stray")
    assert await bucket.refused(stray.get_object, name, "a") == (403, "AccessDenied")


async def test_lists_go_on(bucket: Bucket) -> None:
    cos, call, name = bucket.cos(), bucket.call, bucket.name
    for key in ("l/1 +.csv", "l/2026/a", "l/2026/b", "l/订单"):
        await call(cos.put_object, name, b"", key)
    first = await call(cos.list_objects, name, Prefix="l/", Delimiter="/", MaxKeys=2)
    assert [each["Key"] for each in first["Contents"]] == ["l/1 +.csv"]
    assert [each["Prefix"] for each in first["CommonPrefixes"]] == ["l/2026/"]
    assert (first["IsTruncated"], first["NextMarker"]) == ("true", "l/2026/")
    rest = await call(cos.list_objects, name, Prefix="l/", Delimiter="/", Marker=first["NextMarker"])
    assert [each["Key"] for each in rest["Contents"]] == ["l/订单"]
    assert await bucket.refused(cos.list_objects, name, Delimiter="//") == (400, "InvalidDelimiter")


async def test_copy_tags_and_many_deletes(bucket: Bucket) -> None:
    cos, call, name = bucket.cos(), bucket.call, bucket.name
    await call(cos.put_object, name, b"x", KEY)
    source = {"Bucket": name, "Key": KEY, "Region": bucket.account["region"]}
    copied = await call(cos.copy_object, name, "copy & 1", source)
    assert copied["ETag"] == '"9dd4e461268c8034f5c8564e155c67a6"'
    tags = {"TagSet": {"Tag": [{"Key": "用途", "Value": "a&b"}]}}
    await call(cos.put_object_tagging, name, "copy & 1", tags)
    assert await call(cos.get_object_tagging, name, "copy & 1") == tags
    await call(cos.delete_object_tagging, name, "copy & 1")
    assert await bucket.refused(cos.get_object_tagging, name, "copy & 1") == (404, "NoSuchTagSet")
    many = {"TagSet": {"Tag": [{"Key": str(each), "Value": ""} for each in range(11)]}}
    assert await bucket.refused(cos.put_object_tagging, name, "copy & 1", many) == (400, "InvalidTag")
    assert await bucket.refused(cos.copy_object, name, "b", {**source, "Key": "none"}) == (404, "NoSuchKey")

    await quirk(bucket, "delete_error", 1)
    asked = {"Object": [{"Key": KEY}, {"Key": "copy & 1"}, {"Key": "none"}], "Quiet": "false"}
    told = await call(cos.delete_objects, name, asked)
    assert [(each["Key"], each["Code"]) for each in told["Error"]] == [(KEY, "InternalError")]
    assert [each["Key"] for each in told["Deleted"]] == ["copy & 1", "none"]
    too_many = {"Object": [{"Key": str(each)} for each in range(1001)]}
    assert await bucket.refused(cos.delete_objects, name, too_many) == (400, "MalformedXML")


async def test_an_upload_in_parts(bucket: Bucket) -> None:
    cos, call, name = bucket.cos(), bucket.call, bucket.name
    upload = (await call(cos.create_multipart_upload, name, "big"))["UploadId"]
    etags = [
        (await call(cos.upload_part, name, "big", body, number, upload))["etag"]
        for number, body in ((1, b"a" * MB), (2, b"b" * MB), (3, b"c"))
    ]
    page = await call(cos.list_parts, name, "big", upload, MaxParts=2)
    assert ([each["PartNumber"] for each in page["Part"]], page["IsTruncated"]) == (["1", "2"], "true")
    rest = await call(cos.list_parts, name, "big", upload, PartNumberMarker=page["NextPartNumberMarker"])
    assert [each["Size"] for each in rest["Part"]] == ["1"]
    running = await call(cos.list_multipart_uploads, name, Prefix="big")
    assert [each["UploadId"] for each in running["Upload"]] == [upload]

    def parts(*numbers: int) -> dict[str, Any]:
        return {"Part": [{"PartNumber": each, "ETag": etags[each - 1]} for each in numbers]}

    finish = cos.complete_multipart_upload
    assert await bucket.refused(finish, name, "big", upload, parts(2, 1)) == (400, "InvalidPartOrder")
    assert await bucket.refused(finish, name, "big", upload, parts(3, 3)) == (400, "InvalidPartOrder")
    other = {"Part": [{"PartNumber": 1, "ETag": etags[1]}]}
    assert await bucket.refused(finish, name, "big", upload, other) == (400, "InvalidPart")
    small = await call(cos.create_multipart_upload, name, "small")
    sums = [(await call(cos.upload_part, name, "small", b"x", n, small["UploadId"]))["etag"] for n in (1, 2)]
    both = {"Part": [{"PartNumber": n + 1, "ETag": sums[n]} for n in (0, 1)]}
    assert await bucket.refused(finish, name, "small", small["UploadId"], both) == (400, "EntityTooSmall")
    assert await bucket.refused(cos.upload_part, name, "big", b"x", 10_001, upload) == (400, "InvalidArgument")

    done = await call(finish, name, "big", upload, parts(1, 2, 3))
    assert done["ETag"].endswith('-3"')
    assert await bucket.refused(finish, name, "big", upload, parts(1, 2, 3)) == (404, "NoSuchUpload")
    await call(cos.abort_multipart_upload, name, "small", small["UploadId"])
    assert await bucket.refused(cos.list_parts, name, "small", small["UploadId"]) == (404, "NoSuchUpload")


async def test_a_presigned_link_of_the_sdk(bucket: Bucket) -> None:
    """The SDK writes a space in the query as + and signs it as %20; the platform takes that."""
    cos, call, name = bucket.cos(), bucket.call, bucket.name
    await call(cos.put_object, name, b"hello", KEY)
    params = {"response-content-disposition": 'attachment; filename="a b.csv"'}
    link = await call(cos.get_presigned_url, name, KEY, "GET", 300, params)
    answer = await call(requests.get, link)
    assert (answer.content, answer.headers["content-disposition"]) == (b"hello", 'attachment; filename="a b.csv"')
    wrong = await call(requests.get, link.replace("a+b", "c+d"))
    assert (wrong.status_code, b"SignatureDoesNotMatch" in wrong.content) == (403, True)
    put = await call(cos.get_presigned_url, name, "up", "PUT", 300, {}, {"Content-Type": "image/jpeg"})
    assert (await call(requests.put, put, b"1", headers={"Content-Type": "image/png"})).status_code == 403
    assert (await call(requests.put, put, b"1", headers={"Content-Type": "image/jpeg"})).status_code == 200


async def test_an_error_inside_a_200_keeps_its_code_from_the_sdk(bucket: Bucket) -> None:
    """The reference says that a 200 can end in an ``<Error>``. The SDK sees that no ETag came and raises, but reads the
    document as no error, so that its user cannot learn the code. Our own client tells InternalError."""
    cos, call, name = bucket.cos(), bucket.call, bucket.name
    upload = (await call(cos.create_multipart_upload, name, "big"))["UploadId"]
    etag = (await call(cos.upload_part, name, "big", b"x", 1, upload))["etag"]
    await quirk(bucket, "error_in_200", 1)
    asked = {"Part": [{"PartNumber": 1, "ETag": etag}]}
    with pytest.raises(CosServiceError, match="Response Error Msg Is INVALID"):
        await call(cos.complete_multipart_upload, name, "big", upload, asked)
    assert await call(cos.object_exists, name, "big") is False


def asking(bucket: Bucket, prefix: str, **changed: Any) -> models.GetFederationTokenRequest:
    account = bucket.account
    app_id = account["bucket"].rpartition("-")[2]
    policy = {
        "version": "2.0",
        "statement": [
            {
                "effect": "allow",
                "action": ["name/cos:PutObject", "name/cos:GetBucket"],
                "resource": [f"qcs::cos:{account['region']}:uid/{app_id}:{account['bucket']}/{prefix}*"],
            }
        ],
    }
    asked = models.GetFederationTokenRequest()
    asked.Name, asked.DurationSeconds = "retail", 1800
    asked.Policy = quote(json.dumps(policy), safe="")
    for name, value in changed.items():
        setattr(asked, name, value)
    return asked


async def test_a_temporary_key_of_the_sdk_opens_its_prefix(bucket: Bucket) -> None:
    call, name = bucket.call, bucket.name
    lent = await call(bucket.sts().GetFederationToken, asking(bucket, "up/"))
    assert lent.ExpiredTime > 0
    keys = lent.Credentials
    cos = bucket.cos(SecretId=keys.TmpSecretId, SecretKey=keys.TmpSecretKey, Token=keys.Token)
    await call(cos.put_object, name, b"1", "up/a 订单")
    listed = await call(cos.list_objects, name, Prefix="up/")
    assert [each["Key"] for each in listed["Contents"]] == ["up/a 订单"]
    assert await bucket.refused(cos.put_object, name, b"1", "other/a") == (403, "AccessDenied")
    assert await bucket.refused(cos.get_object, name, "up/a 订单") == (403, "AccessDenied")
    assert await bucket.refused(cos.list_objects, name) == (403, "AccessDenied")
    without = bucket.cos(SecretId=keys.TmpSecretId, SecretKey=keys.TmpSecretKey)
    assert await bucket.refused(without.put_object, name, b"1", "up/a") == (403, "AccessDenied")
    assert "sts.tencentcloudapi.com" in bucket.front.seen


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"Policy": "%7B"}, "InvalidParameter.StrategyFormatError"),
        ({"Policy": "%7B%22version%22%3A%222.0%22%7D"}, "InvalidParameter.StrategyInvalid"),
        ({"Policy": "x" * 7000}, "InvalidParameter.PolicyTooLong"),
        ({"DurationSeconds": 129_601}, "InvalidParameter.OverTimeError"),
        ({"Name": "with space"}, "InvalidParameter.ParamError"),
        ({"Name": ""}, "MissingParameter"),
    ],
)
async def test_what_sts_refuses(bucket: Bucket, changed: dict[str, Any], code: str) -> None:
    with pytest.raises(TencentCloudSDKException) as caught:
        await bucket.call(bucket.sts().GetFederationToken, asking(bucket, "up/", **changed))
    assert caught.value.get_code() == code


async def test_sts_refuses_other_buckets_keys_and_actions(bucket: Bucket) -> None:
    asked = asking(bucket, "up/")
    asked.Policy = asked.Policy.replace(quote(bucket.name, safe=""), "other-1250000000")
    role = models.AssumeRoleRequest()
    role.RoleArn, role.RoleSessionName = "qcs::cam::uin/1:roleName/r", "session"
    for function, request, code in (
        (bucket.sts().GetFederationToken, asked, "InvalidParameter.GrantOtherResource"),
        (bucket.sts("wrong").GetFederationToken, asked, "AuthFailure.SignatureFailure"),
        (bucket.sts().AssumeRole, role, "InvalidAction"),
    ):
        with pytest.raises(TencentCloudSDKException) as caught:
            await bucket.call(function, request)
        assert caught.value.get_code() == code
