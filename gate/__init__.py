"""Saturday Gate: a deploy gate that knows the wedding calendar and the load it brings."""

__version__ = "0.1.0"
