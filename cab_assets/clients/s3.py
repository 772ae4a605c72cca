"""S3 as a file system of Arrow, with the AWS settings and credentials of this machine."""

import boto3
import pyarrow.fs as pafs

# Time-outs in seconds and attempts: together they limit a call to half a minute. S3 answers 503
# while it scales, so a call must be retried.
CONNECT_SECONDS, REQUEST_SECONDS, ATTEMPTS = 3, 10, 3


def file_system() -> pafs.S3FileSystem:
    """Return Arrow's S3 file system with the endpoint and region of boto3.

    Arrow's own client does not read AWS_ENDPOINT_URL, AWS_REGION and ~/.aws/config.
    """
    service = boto3.client("s3").meta
    return pafs.S3FileSystem(
        region=service.region_name,
        endpoint_override=None if "amazonaws.com" in service.endpoint_url else service.endpoint_url,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=REQUEST_SECONDS,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )
