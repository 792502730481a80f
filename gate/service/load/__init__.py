"""Load as servers see it: the source that they follow, the samples that they keep."""
