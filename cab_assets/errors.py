"""The two kinds of failure: every error of ours is one of them and says what to do next."""


class CabError(Exception):
    """Something that a person has to see to; trying the same again ends the same."""


class Unavailable(CabError):
    """A server that may be back in a minute; nothing is wrong with the data, and running again is the cure."""
