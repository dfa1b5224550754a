#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tbedgec build --objects: what was compiled before is not compiled again; damaged objects cost nothing but time.
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
src=${TBE_SRC:?} build=${TBE_BUILD:?}
cc=${CC:-gcc}
cat >"$scratch/cc" <<EOF
#!/bin/sh
case " \$* " in *" -c "*) echo compiled >>"$scratch/log" ;; esac
exec $cc "\$@"
EOF
chmod +x "$scratch/cc"
cp "$src/tests/crash/root-a.yaml" "$scratch/chain.yaml"

# runs NAME EXPECTED-COMPILATIONS
runs() {
    : >"$scratch/log"
    "$build/tbedgec" build --cc "$scratch/cc" --objects "$scratch/objects" -o "$scratch/worker-$1" "$scratch/chain.yaml"
    n=$(wc -l <"$scratch/log")
    if [ "$n" -ne "$2" ]; then
        echo "$1: $n files were compiled, wanted $2"
        exit 1
    fi
    "$scratch/worker-$1" --version >/dev/null
}

runs first 2
runs again 0
cmp -s "$scratch/worker-first" "$scratch/worker-again" || { echo "the second worker differs"; exit 1; }
sed -i '1i # another line of comment' "$scratch/chain.yaml"
runs comment 0
sed -i 's/name: Crash test A/name: Another name/' "$scratch/chain.yaml"
runs renamed 2
for o in "$scratch"/objects/*.o; do
    echo junk >"$o"
done
runs damaged 2
echo "objects: kept and taken"
