# SPDX-License-Identifier: Apache-2.0
# bash completion for tbedge
_tbedge()
{
    local cur prev i cmd='' sub='' words=''
    COMPREPLY=()
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD-1]}
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --data | -c | --config) i=$((i + 1)) ;;
        -*) ;;
        *)
            if [[ -z $cmd ]]; then
                cmd=${COMP_WORDS[i]}
            elif [[ -z $sub ]]; then
                sub=${COMP_WORDS[i]}
            fi
            ;;
        esac
    done
    case $prev in
    --data) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
    -c | --config | --x509 | --csv | --output) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    --scope) mapfile -t COMPREPLY < <(compgen -W 'client shared server' -- "$cur"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'csv jsonl' -- "$cur"); return ;;
    --severity) mapfile -t COMPREPLY < <(compgen -W 'CRITICAL MAJOR MINOR WARNING INDETERMINATE' -- "$cur"); return ;;
    --name | --details | --user | --token | --mqtt-basic | --profile | --label | --info | --secret | --customer | --timeout | --retries | --show | \
        --device | --key | --from | --to) return ;;
    esac
    case $cmd in
    '') words='run deploy rollback status device profile attr relation alarm rpc telemetry export outbox aside backup --data -c --config -h --help --version' ;;
    status | outbox) words='--json -h --help' ;;
    aside) words='list retry drop -h --help' ;;
    device)
        case $sub in
        '') words='add list show set rm credentials claim assign unassign -h --help' ;;
        add) words='--token --mqtt-basic --x509 --profile --label --gateway --info --csv -h --help' ;;
        set) words='--name --label -h --help' ;;
        list) words='--json -h --help' ;;
        credentials) words='--token --mqtt-basic --x509 -h --help' ;;
        claim) words='--secret --customer --json -h --help' ;;
        assign) words='--customer -h --help' ;;
        *) words='-h --help' ;;
        esac
        ;;
    profile)
        case $sub in
        '') words='add list -h --help' ;;
        add) words='--json -h --help' ;;
        *) words='-h --help' ;;
        esac
        ;;
    aside)
        case $sub in
        '') words='list retry drop -h --help' ;;
        list) words='--json -h --help' ;;
        *) words='-h --help' ;;
        esac
        ;;
    attr)
        case $sub in
        '') words='get set rm -h --help' ;;
        rm) words='--scope -h --help' ;;
        *) words='--scope --json -h --help' ;;
        esac
        ;;
    relation)
        case $sub in
        '') words='add rm list -h --help' ;;
        add) words='--info --user -h --help' ;;
        list) words='--json -h --help' ;;
        *) words='--user -h --help' ;;
        esac
        ;;
    alarm)
        case $sub in
        '') words='list create ack clear rm -h --help' ;;
        list) words='--json -h --help' ;;
        create) words='--severity --details --user -h --help' ;;
        *) words='--user -h --help' ;;
        esac
        ;;
    rpc) words='--oneway --timeout --persistent --retries --json --show -h --help' ;;
    telemetry) words='--key --json -h --help' ;;
    export) words='--device --key --from --to --format --output -h --help' ;;
    *) words='-h --help' ;;
    esac
    if [[ $cur == -* || -z $cmd || ($cmd == @(device|profile|attr|relation|alarm|aside) && -z $sub) ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
    elif [[ $cmd == @(run|deploy|backup) ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
}
complete -o filenames -F _tbedge tbedge
