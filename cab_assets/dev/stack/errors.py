from cab_assets.errors import CabError


class UnfitMachine(CabError):
    """A program that the stack needs is missing on this machine, or too old."""


class UnfetchableJars(CabError):
    """The jars of the servers cannot be downloaded, or are not those of the lock file."""


class UnusableHome(CabError):
    """CAB_HOME cannot be used for a stack, or contains something else."""


class ServerNotUp(CabError):
    """A server stopped, or did not answer in time."""


class SupervisorNotUp(CabError):
    """The process that keeps the servers running did not start or does not answer."""


class StillRunning(CabError):
    """A process of the stack could not be ended, even by SIGKILL."""
