"""`sipflow completion`: what a shell needs to complete commands, options, codes and scenario files."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from sipflow.cli import COMPLETE_VARIABLE, PROGRAM
from sipflow.cli.completing import SCENARIO_ITEM
from sipflow.cli.main import cli

# The scripts ask sipflow for each completion: one line "kind,value" (for zsh three lines: kind, value, help). What is a
# path is left to the shell, which knows about quotes, `~` and the slash behind a folder.

_BASH = """\
# Completion of %(prog_name)s for bash, from 4.4 on.
%(complete_func)s() {
    local kind value answer
    local word="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    answer=$(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$1" 2>/dev/null)
    while IFS=, read -r kind value; do
        case "$kind" in
            plain)
                COMPREPLY+=("$value") ;;
            %(scenario)s)
                compopt -o filenames
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(
                    compgen -f -X '!*.sflow' -- "$word"
                    compgen -d -- "$word"
                ) ;;
            dir)
                compopt -o filenames
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$word") ;;
            file)
                compopt -o filenames
                mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$word") ;;
        esac
    done <<< "$answer"
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = """\
#compdef %(prog_name)s
# Completion of %(prog_name)s for zsh.
%(complete_func)s() {
    local kind value text
    local -a answer described
    answer=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT - 1)) \\
        %(complete_var)s=zsh_complete %(prog_name)s 2>/dev/null)}")
    for kind value text in "${answer[@]}"; do
        case "$kind" in
            plain) described+=("$value:${text#_}") ;;
            %(scenario)s) _files -g '*.sflow' ;;
            dir) _files -/ ;;
            file) _files ;;
        esac
    done
    (( $#described )) && _describe -V '%(prog_name)s' described
}
if [[ "${zsh_eval_context[-1]}" == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = """\
# Completion of %(prog_name)s for fish.
function %(complete_func)s
    set -l answer (COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \\
        %(complete_var)s=fish_complete %(prog_name)s 2>/dev/null)
    for line in $answer
        set -l part (string split -m 1 , -- $line)
        switch $part[1]
            case plain
                echo $part[2]
            case %(scenario)s
                __fish_complete_suffix (commandline -ct) .sflow
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Script(ShellComplete):
    """A script of ours, which knows one more kind of value than click's."""

    def source_vars(self) -> Any:
        """What stands in for `%(…)s`."""
        return {**super().source_vars(), "scenario": SCENARIO_ITEM}


class _Bash(_Script, BashComplete):
    source_template = _BASH

    @staticmethod
    def _check_version() -> None:
        """The script can be made for another machine's bash."""


class _Zsh(_Script, ZshComplete):
    source_template = _ZSH

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """All values are described by the script, so colons are escaped in all of them."""
        return f"{item.type}\n{item.value.replace(':', chr(92) + ':')}\n{item.help or '_'}"


class _Fish(_Script, FishComplete):
    source_template = _FISH


_SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def register() -> None:
    """Let click answer our scripts."""
    from click.shell_completion import add_completion_class

    for name, shell in _SHELLS.items():
        add_completion_class(shell, name)


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(tuple(_SHELLS)))
def completion(shell: str) -> None:
    """Print the script by which a shell completes commands, options, their values, diagnostic codes and .sflow files.

    \b
    For this shell alone:
      eval "$(sipflow completion bash)"
      eval "$(sipflow completion zsh)"
      sipflow completion fish | source

    \b
    For every new one:
      sipflow completion bash > ~/.local/share/bash-completion/completions/sipflow
      sipflow completion zsh  > "${fpath[1]}/_sipflow"       # a folder of $fpath; then run compinit
      sipflow completion fish > ~/.config/fish/completions/sipflow.fish

    bash needs the package bash-completion for the second form, and is 4.4 or later. The script asks the sipflow that
    stands first in PATH, so it stays right when sipflow is updated.

    \b
    Exit codes:
      0  printed
      2  no such shell
    """
    click.echo(_SHELLS[shell](cli, {}, PROGRAM, COMPLETE_VARIABLE).source(), nl=False)
