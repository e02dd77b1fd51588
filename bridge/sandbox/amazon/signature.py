"""AWS Signature Version 4 of a request to SQS, computed anew and compared (docs.aws.amazon.com/IAM, "Create a signed request")."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from bridge.sandbox.amazon.values import Json

REGION = "us-east-1"
KEY_ID = "AKIASANDBOXACCESSKEY"
SECRET = "sandbox-secret-access-key"  # noqa: S105 - made up
_AUTH = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sqs/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)
_SKEW = timedelta(minutes=15)


class SqsError(Exception):
    """The queue refuses: {"__type", "message"}."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.body: Json = {"__type": f"com.amazonaws.sqs#{code}", "message": message}


def check(path: str, headers: dict[str, str], body: bytes, now: datetime) -> None:
    """Refuse a request that is not signed, with another key, too old, or not as it was signed."""
    match = _AUTH.fullmatch(headers.get("authorization", ""))
    if match is None:
        raise SqsError(400, "MissingAuthenticationToken", "Request is missing Authentication Token")
    key, day, region, signed, given = match.groups()
    if key != KEY_ID or region != REGION:
        raise SqsError(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
    stamp = headers.get("x-amz-date", "")
    if abs(now - datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)) > _SKEW:
        raise SqsError(403, "SignatureDoesNotMatch", f"Signature expired: {stamp}")
    canonical = _canonical(path, headers, signed.split(";"), body)
    scope = f"{day}/{region}/sqs/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    if not hmac.compare_digest(hmac.digest(_key(day, region), text.encode(), "sha256").hex(), given):
        raise SqsError(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")


def _canonical(path: str, headers: dict[str, str], signed: list[str], body: bytes) -> str:
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}" for name in signed]
    return "\n".join(["POST", path, "", *lines, "", ";".join(signed), hashlib.sha256(body).hexdigest()])


def _key(day: str, region: str) -> bytes:
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, "sqs", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
