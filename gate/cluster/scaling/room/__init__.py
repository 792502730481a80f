"""Whether a cluster can hold the floors of the coming days, told before they are asked for.

Pure: from nodes, pods, workloads, quotas, limit ranges and budgets to what would be short.
"""

from gate.cluster.scaling.room.assessing import WORKLOADS, assess
from gate.cluster.scaling.room.findings import Finding, Report, Room
from gate.cluster.scaling.room.shapes import Holdings

__all__ = ["WORKLOADS", "Finding", "Holdings", "Report", "Room", "assess"]
