"""The durable journal of the server doors: written before an answer, shipped to the ledger.

`gate.journal.writer` is what a door uses; `gate.journal.shipper` is a process of its own. Only the
latter loads the database driver.
"""
