"""Shell code that asks `__complete` for what may follow.

The directives that it follows are in found.py. Each script calls the program as it was
typed, so that an alias or another path works too.
"""

from __future__ import annotations

__all__ = ["SCRIPTS"]

_BASH = r"""# bash completion for mini-kubectl: source <(mini-kubectl completion bash)

_mini_kubectl_complete() {
    local line=${COMP_LINE:0:COMP_POINT} current="" out directive word
    local -a words found
    read -ra words <<<"$line"
    if [[ $line != *[[:space:]] ]]; then
        current=${words[-1]}
        unset 'words[-1]'
    fi
    local program=${words[0]/#\~\//$HOME/}
    out=$("$program" __completeNoDesc "${words[@]:1}" "$current" 2>/dev/null </dev/null)
    directive=${out##*:}
    out=${out%:*}
    out=${out%$'\n'}
    ((directive & 1)) && return
    ((directive & 2)) && compopt -o nospace
    ((directive & 4)) && compopt +o default
    [[ $current == -*=* ]] && current=${current#*=}
    if ((directive & 8)); then
        while IFS='' read -r word; do
            if [[ -d $word || $word =~ \.(${out//$'\n'/|})$ ]]; then
                found+=("$word")
            fi
        done < <(compgen -f -- "$current")
        compopt -o filenames
        COMPREPLY=("${found[@]}")
        return
    fi
    # bash replaces only what stands behind the last of its word breaks
    local kept=""
    [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && kept=${current%"${current##*:}"}
    COMPREPLY=()
    while IFS='' read -r word; do
        [[ -n $word && $word == "$current"* ]] && COMPREPLY+=("${word#"$kept"}")
    done <<<"$out"
}

complete -o default -F _mini_kubectl_complete mini-kubectl
"""

_ZSH = r"""#compdef mini-kubectl
# zsh completion for mini-kubectl: source <(mini-kubectl completion zsh)

_mini_kubectl() {
    local out directive line program=${~words[1]}
    local -a lines found options
    out=$("$program" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null </dev/null)
    lines=("${(@f)out}")
    directive=${lines[-1]#:}
    lines[-1]=()
    ((directive & 1)) && return 1
    ((directive & 2)) && options=(-S '')
    [[ $words[CURRENT] == -*=* ]] && compset -P '*='
    if ((directive & 8)); then
        _files -g "*.(${(j:|:)lines})"
        return
    fi
    for line in "${lines[@]}"; do
        [[ -z $line ]] && continue
        line=${line//:/\\:}
        found+=("${line/$'\t'/:}")
    done
    _describe -V completions found "${options[@]}" && return
    ((directive & 4)) || _files
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _mini_kubectl "$@"
else
    compdef _mini_kubectl mini-kubectl
fi
"""

_FISH = r"""# fish completion for mini-kubectl: mini-kubectl completion fish | source

function __mini_kubectl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1])
    set -l lines ($program __complete $words[2..-1] "$current" 2>/dev/null </dev/null)
    set -l directive (string sub -s 2 -- $lines[-1])
    set -e lines[-1]
    test (math "bitand($directive, 1)") -ne 0; and return
    set -l before (string match -r -- '^-[^=]*=' $current)
    set -l typed (string replace -r -- '^-[^=]*=' '' $current)
    if test (math "bitand($directive, 8)") -ne 0
        for line in (__fish_complete_path $typed)
            string match -qr -- '(/|\.('(string join '|' $lines)'))(\t|$)' $line
            and echo "$before$line"
        end
        return
    end
    for line in $lines
        echo "$before$line"
    end
    if test (math "bitand($directive, 4)") -eq 0
        for line in (__fish_complete_path $typed)
            echo "$before$line"
        end
    end
end

complete -c mini-kubectl -f -k -a '(__mini_kubectl_complete)'
"""

SCRIPTS = {"bash": _BASH, "fish": _FISH, "zsh": _ZSH}
