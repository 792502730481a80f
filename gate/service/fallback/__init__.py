"""The worker of the fallback lock: keeps it compiled and installed, and stands it aside."""
