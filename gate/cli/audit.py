"""`gate audit`: the ledger."""

import click

from gate.cli import audit_proof, audit_rows


@click.group()
def audit() -> None:
    """Read, export, verify and sign the ledger of decisions and acts."""


for _command in (
    audit_rows.list_,
    audit_rows.show,
    audit_rows.export,
    audit_proof.verify,
    audit_proof.checkpoint,
    audit_proof.prove,
):
    audit.add_command(_command)
