"""The durable journal of the server doors: written before an answer, shipped to the ledger."""
