"""`gate github`: what is done on GitHub."""

import click

from gate.cli.github_sync import sync


@click.group()
def github() -> None:
    """Keep checks on pull requests as the gate decides."""


github.add_command(sync)
