"""What goes wrong in a way that the user has to hear of."""


class Failed(Exception):
    """A build or a measurement gave nothing, or something wrong."""
