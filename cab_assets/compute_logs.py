"""Compute logs: the output of runs, kept in the lake's bucket if it is on S3, else on local disk.

On S3 the output outlives the container that wrote it. `dagster.yaml` names the class; all of
Dagster's processes need CAB_LAKE_ROOT, and the right to read and write there.
"""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

# Dagster does not export these classes
from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData

# Folder in the lake
FOLDER = "_dagster"
# Seconds between two uploads of a running step's output, so that it can be read before it ends
UPLOAD_SECONDS = 30


class LakeComputeLogManager(LocalComputeLogManager):
    """Keep output in the lake's bucket, or on disk in DAGSTER_LOGS or DAGSTER_HOME/storage."""

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Any,  # noqa: ARG003
    ) -> ComputeLogManager:
        """Return Dagster's own log manager: for S3, or for the local disk."""
        root = urlparse(os.environ.get("CAB_LAKE_ROOT", ""))
        if root.scheme != "s3":
            home = Path(os.environ.get("DAGSTER_HOME", "."), "storage")
            return LocalComputeLogManager(
                os.environ.get("DAGSTER_LOGS", str(home)), inst_data=inst_data
            )
        # Imported late: the import takes half a second, and only a lake on S3 needs it
        from dagster_aws.s3 import S3ComputeLogManager

        return S3ComputeLogManager(
            bucket=root.netloc,
            prefix="/".join(filter(None, [root.path.strip("/"), FOLDER])),
            upload_interval=UPLOAD_SECONDS,
            inst_data=inst_data,
        )
