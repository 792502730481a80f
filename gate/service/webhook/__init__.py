"""The admission webhook: a supervisor that accepts, workers that answer, a keeper for the rest."""
