"""S3 through Arrow, with the address and credentials that every AWS client of this machine uses."""

import boto3
import pyarrow.fs as pafs

# Half a minute at worst; S3 answers 503 when it scales, and then means wait
CONNECT_SECONDS, REQUEST_SECONDS, ATTEMPTS = 3, 10, 3


def file_system() -> pafs.S3FileSystem:
    """Return Arrow's S3 file system with AWS's own settings for endpoint and region.

    Arrow's client would not read AWS_ENDPOINT_URL, AWS_REGION and ~/.aws/config itself.
    """
    service = boto3.client("s3").meta
    return pafs.S3FileSystem(
        region=service.region_name,
        endpoint_override=None if "amazonaws.com" in service.endpoint_url else service.endpoint_url,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
