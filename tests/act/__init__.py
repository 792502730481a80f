"""The Action through act and Docker, for real: the engine, the images, and workflows that run."""
