from cab_assets.errors import CabError


class UnfitMachine(CabError):
    """Something that the stack takes from the machine is missing or too old."""


class UnfetchableJars(CabError):
    """The jars that the servers run on cannot be had, or are not what they should be."""


class UnusableHome(CabError):
    """CAB_HOME cannot hold a stack, or holds something else."""


class ServerNotUp(CabError):
    """A server gave up, or did not answer in time."""


class SupervisorNotUp(CabError):
    """The process that keeps the servers up did not start or does not answer."""


class StillRunning(CabError):
    """Something of the stack outlived even a SIGKILL."""
