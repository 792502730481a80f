"""`gate completion`: what a shell needs to complete the command line."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")
_VARIABLE = "_GATE_COMPLETE"


@click.command(
    epilog="""\b
Examples:
  gate completion bash > ~/.local/share/bash-completion/completions/gate
  gate completion zsh > "${fpath[1]}/_gate"
  gate completion fish > ~/.config/fish/completions/gate.fish
"""
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL."""
    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(ctx.find_root().command, {}, "gate", _VARIABLE).source())
