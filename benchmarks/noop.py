"""A job that does nothing: what Dagster itself takes."""

import dagster as dg


@dg.op
def nothing() -> None:
    """Nothing."""


@dg.job
def noop() -> None:
    nothing()


defs = dg.Definitions(jobs=[noop], executor=dg.in_process_executor)
