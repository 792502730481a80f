"""The two commands in a group, for as long as `gate webhook` itself is not there."""

import click

from gate.cli.webhook_install import install
from gate.cli.webhook_judge import judge


@click.group()
def webhook() -> None:
    """Stand in for the server's own group."""


webhook.add_command(install)
webhook.add_command(judge, "test")
