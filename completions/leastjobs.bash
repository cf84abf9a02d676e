# leastjobs(1) completion for bash, without need of the bash-completion package. What there is to
# complete, the program itself says: its commands and options by --help, instances by status.

_leastjobs_instances() {
    "$1" status --json "${files[@]}" 2>/dev/null | grep -o '"number":[0-9]*' | cut -d: -f2
}

_leastjobs_options() {
    "$1" "$2" --help 2>/dev/null | sed -n 's/^ *\(-[a-z], \)\?\(--[a-z-]*\).*/\2/p'
}

_leastjobs() {
    local program=$1 word=$2 before=$3 command=${COMP_WORDS[1]} files=() found i

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$("$program" --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')
            --help --version" -- "$word"))
        return
    fi
    # The files that say where the running one is.
    for ((i = 2; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -e | --env-file | -c | --config) files+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}") ;;
        esac
    done
    case $before in
    -e | --env-file | -c | --config | --sample)
        compopt -o filenames 2>/dev/null
        # A line each: names have blanks.
        found=$(compgen -f -- "$word")
        [ -z "$found" ] || mapfile -t COMPREPLY <<<"$found"
        return
        ;;
    --sort)
        COMPREPLY=($(compgen -W "number load state" -- "$word"))
        return
        ;;
    -t | --timeout) return ;;
    esac
    case $command,$word in
    *,-*) COMPREPLY=($(compgen -W "$(_leastjobs_options "$program" "$command")" -- "$word")) ;;
    drain,* | maint,* | ready,* | explain,*)
        COMPREPLY=($(compgen -W "$(_leastjobs_instances "$program")" -- "$word"))
        ;;
    esac
}

complete -F _leastjobs leastjobs
