"""Who a bearer token speaks for."""


class BearerTokens:
    def __init__(self, decider, limits): ...
