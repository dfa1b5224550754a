# SPDX-License-Identifier: Apache-2.0
# fish completion for tbedge
complete -c tbedge -l data -x -a '(__fish_complete_directories)' -d 'data directory'
complete -c tbedge -s c -l config -r -d settings
complete -c tbedge -s h -l help -d 'show how it is used and stop'
complete -c tbedge -l version -d 'show the version and stop'
complete -c tbedge -n __fish_use_subcommand -f
complete -c tbedge -n __fish_use_subcommand -a run -d 'run the worker'
complete -c tbedge -n __fish_use_subcommand -a deploy -d 'swap to another worker'
complete -c tbedge -n __fish_use_subcommand -a rollback -d 'swap to the last good worker'
complete -c tbedge -n __fish_use_subcommand -a status -d 'what runs and what is stored'
complete -c tbedge -n __fish_use_subcommand -a device -d 'devices and their credentials'
complete -c tbedge -n __fish_use_subcommand -a profile -d 'device profiles'
complete -c tbedge -n __fish_use_subcommand -a attr -d 'attributes'
complete -c tbedge -n __fish_use_subcommand -a relation -d 'relations between entities'
complete -c tbedge -n __fish_use_subcommand -a alarm -d alarms
complete -c tbedge -n __fish_use_subcommand -a rpc -d 'call a device'
complete -c tbedge -n __fish_use_subcommand -a telemetry -d 'latest values'
complete -c tbedge -n __fish_use_subcommand -a export -d 'stored points'
complete -c tbedge -n __fish_use_subcommand -a outbox -d 'what waits for the cloud'
complete -c tbedge -n __fish_use_subcommand -a aside -d 'what the cloud did not take'
complete -c tbedge -n __fish_use_subcommand -a backup -d 'a copy of the database'
complete -c tbedge -f -n '__fish_seen_subcommand_from device; and not __fish_seen_subcommand_from add list show set rm credentials claim assign unassign' -a 'add list show set rm credentials claim assign unassign'
complete -c tbedge -f -n '__fish_seen_subcommand_from profile; and not __fish_seen_subcommand_from add list' -a 'add list'
complete -c tbedge -f -n '__fish_seen_subcommand_from attr; and not __fish_seen_subcommand_from get set rm' -a 'get set rm'
complete -c tbedge -f -n '__fish_seen_subcommand_from relation; and not __fish_seen_subcommand_from add rm list' -a 'add rm list'
complete -c tbedge -f -n '__fish_seen_subcommand_from alarm; and not __fish_seen_subcommand_from list create ack clear rm' -a 'list create ack clear rm'
complete -c tbedge -n '__fish_seen_subcommand_from status' -l json
complete -c tbedge -n '__fish_seen_subcommand_from outbox' -l json
complete -c tbedge -n '__fish_seen_subcommand_from device' -l token -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l mqtt-basic -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l x509 -r
complete -c tbedge -n '__fish_seen_subcommand_from device' -l profile -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l name -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l label -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l gateway
complete -c tbedge -n '__fish_seen_subcommand_from device' -l info -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l csv -r
complete -c tbedge -n '__fish_seen_subcommand_from device' -l json
complete -c tbedge -n '__fish_seen_subcommand_from device' -l secret -x
complete -c tbedge -n '__fish_seen_subcommand_from device' -l customer -x
complete -c tbedge -n '__fish_seen_subcommand_from profile' -l json -r
complete -c tbedge -n '__fish_seen_subcommand_from attr' -l scope -x -a 'client shared server'
complete -c tbedge -n '__fish_seen_subcommand_from attr' -l json
complete -c tbedge -n '__fish_seen_subcommand_from relation' -l info -x
complete -c tbedge -n '__fish_seen_subcommand_from relation' -l user -x
complete -c tbedge -n '__fish_seen_subcommand_from relation' -l json
complete -c tbedge -n '__fish_seen_subcommand_from alarm' -l severity -x -a 'CRITICAL MAJOR MINOR WARNING INDETERMINATE'
complete -c tbedge -n '__fish_seen_subcommand_from alarm' -l details -x
complete -c tbedge -n '__fish_seen_subcommand_from alarm' -l user -x
complete -c tbedge -n '__fish_seen_subcommand_from alarm' -l json
complete -c tbedge -n '__fish_seen_subcommand_from rpc' -l oneway
complete -c tbedge -n '__fish_seen_subcommand_from rpc' -l timeout -x
complete -c tbedge -n '__fish_seen_subcommand_from rpc' -l persistent
complete -c tbedge -n '__fish_seen_subcommand_from rpc' -l retries -x
complete -c tbedge -n '__fish_seen_subcommand_from rpc' -l json
complete -c tbedge -n '__fish_seen_subcommand_from rpc' -l show -x
complete -c tbedge -n '__fish_seen_subcommand_from telemetry' -l key -x
complete -c tbedge -n '__fish_seen_subcommand_from telemetry' -l json
complete -c tbedge -n '__fish_seen_subcommand_from export' -l device -x
complete -c tbedge -n '__fish_seen_subcommand_from export' -l key -x
complete -c tbedge -n '__fish_seen_subcommand_from export' -l from -x
complete -c tbedge -n '__fish_seen_subcommand_from export' -l to -x
complete -c tbedge -n '__fish_seen_subcommand_from export' -l format -x -a 'csv jsonl'
complete -c tbedge -n '__fish_seen_subcommand_from export' -l output -r
complete -c tbedge -f -n '__fish_seen_subcommand_from aside; and not __fish_seen_subcommand_from list retry drop' -a 'list retry drop'
complete -c tbedge -n '__fish_seen_subcommand_from aside' -l json
