from cab_assets.errors import CabError


class UnfitMachine(CabError):
    """Something that the stack takes from the machine is missing or too old."""


class UnfetchableJars(CabError):
    """The jars of the servers cannot be downloaded, or are not those of the lock file."""


class UnusableHome(CabError):
    """CAB_HOME cannot hold a stack, or holds something else."""


class ServerNotUp(CabError):
    """A server stopped, or did not answer in time."""


class SupervisorNotUp(CabError):
    """The process that keeps the servers running did not start or does not answer."""


class StillRunning(CabError):
    """A process of the stack could not be ended, even by SIGKILL."""
