"""The ledger: what was decided and done, chained so that no change to it goes unnoticed."""
