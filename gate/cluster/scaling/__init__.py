"""Pre-scaling: what an autoscaler says, which floor it should have, and the patch between them.

Pure: from the JSON of HorizontalPodAutoscalers and ScaledObjects to JSON merge patches.
"""
