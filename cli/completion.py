"""`rulefarm completion`: what a shell reads to complete commands, options and domains."""

import click
from click.shell_completion import get_completion_class

from cli.display.terminal import echo_data


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and domains in a SHELL.

    \b
    bash:  rulefarm completion bash > ~/.local/share/bash-completion/completions/rulefarm
    zsh:   rulefarm completion zsh > a file _rulefarm in a folder of your $fpath
    fish:  rulefarm completion fish > ~/.config/fish/completions/rulefarm.fish
    """
    completion = get_completion_class(shell)
    if completion is None:
        raise click.UsageError(f"click completes nothing in {shell}")
    # Not `source()`: that of bash starts a bash to ask for its version, wherever the script will be read.
    script = completion(ctx.find_root().command, {}, "rulefarm", "_RULEFARM_COMPLETE")
    echo_data(script.source_template % script.source_vars())
