"""Tests of `k8s/`: what it builds, and that it agrees with the product and with itself."""
