"""What the webhook makes of the inputs in force: callers, answers, the plan's floor."""

from datetime import datetime

from gate.cluster.answers import Answers
from gate.cluster.requests import Callers
from gate.core.instants import micros
from gate.core.plan import plan_at
from gate.inputs import Compiled, Unreadable
from gate.service.webhook.stencils import Stencils

_NO_FLOOR = 0


class Standing:
    """Inputs as they stand, and what follows from them: callers, answers, the plan's floor."""

    def __init__(self, inputs: Compiled | Unreadable) -> None:
        self.inputs = inputs
        self.callers = Callers(inputs.policy)
        self.answers = Answers(inputs.policy)
        self.stencils = Stencils(inputs, self.answers) if isinstance(inputs, Compiled) else None
        self._floor = (-1, _NO_FLOOR)

    def floor(self, at: datetime) -> int:
        """Replicas below which an HPA's maximum must not go: the plan's rung.

        ``capacity.floor`` where the calendar cannot be read, 0 where there is no policy either
        (nothing is decided then). Good for a second.
        """
        second = int(at.timestamp())
        if self._floor[0] != second:
            self._floor = (second, self._floor_at(at))
        return self._floor[1]

    def _floor_at(self, at: datetime) -> int:
        inputs = self.inputs
        if isinstance(inputs, Unreadable):
            return inputs.policy.load.capacity.floor if inputs.policy else _NO_FLOOR
        demand, capacity = inputs.timeline.calendar.demand, inputs.policy.load.capacity
        return plan_at(demand, capacity, micros(at)).min
