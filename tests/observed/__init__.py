"""Load that was observed: sources, what it raises, samples, what is learnt."""
