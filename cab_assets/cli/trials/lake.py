"""The checks of the lake, from this process."""

from cab_assets.cli.trials.trials import Trials
from cab_assets.clients.lake import LakeRefused
from cab_assets.errors import CabError
from cab_assets.tables import TABLES


class LakeUnreachable(CabError):
    """This process cannot reach the lake, or may not write there."""


def write(trials: Trials) -> str:
    """Write in the root, and in the folder of each table that exists.

    Raises LakeUnreachable with all folders that failed.
    """
    trials.undo.callback(trials.delete, trials.scratch.folder)
    try:
        trials.scratch.write()
        there = trials.folders(TABLES)
    except OSError as error:
        raise LakeUnreachable(
            f"this process cannot reach {trials.lake.root}, or may not write there: {error}."
            " Check CAB_LAKE_ROOT"
        ) from error
    if locked := [
        problem for name in (trials.scratch.folder, *there) if (problem := _locked(trials, name))
    ]:
        raise LakeUnreachable(
            f"{'; '.join(locked)}. Give the user of this process permission to read, write and"
            " delete in these folders"
        )
    return f"{trials.env.lake_root}: written, read and deleted" + (
        f", also in {' and '.join(there)}" if there else ""
    )


def _locked(trials: Trials, folder: str) -> str | None:
    """Return why this process cannot read, write or delete in a folder; None if it can."""
    path = f"{folder}/_{trials.scratch.name}"
    try:
        trials.lake.write(path, b"written")
        try:
            trials.lake.read(path)
        finally:
            trials.lake.files.delete_file(path)
    except (LakeRefused, OSError) as error:
        return f"{folder}: {error.__cause__ or error}"
    return None
