#!/usr/bin/env bash
# Makes a release of the last commit twice, in two directories, the second as another person on another day would: another umask,
# time zone and language, other settings of Go, nothing in the cache of the compiler unless WARM=1. Every file has to be the same. It makes the platform of
# this machine, or PLATFORMS.
set -euo pipefail
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# By these, which a hook of git has, git would work on the repository of the hook also in the clones.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_COMMON_DIR GIT_PREFIX

export PLATFORMS=${PLATFORMS:-linux/$(go env GOARCH)}
tmp=$(mktemp -d)
trap 'wait; chmod -R u+w "$tmp"; rm -rf "$tmp"' EXIT
one=$tmp/one two=$tmp/a/longer/path/two

git clone -q --no-local . "$one"
(umask 077 && git clone -q --no-local . "$two")
# Without a branch, as a checkout of a tag.
git -C "$two" checkout -q --detach

echo ">> make release for $PLATFORMS in two directories"
unset MAKEFLAGS MFLAGS MAKELEVEL SOURCE_DATE_EPOCH
make -C "$one" release >"$tmp/one.log" 2>&1 &
first=$!
(
	umask 077
	export TZ=Asia/Seoul LANG=ko_KR.UTF-8 USER=somebody GOFLAGS=-tags=somebody GOAMD64=v3
	[[ -n ${WARM:-} ]] || export BUILD_GOCACHE=$tmp/cache
	make -C "$two" release
) >"$tmp/two.log" 2>&1 &
second=$!
wait $first || { cat "$tmp/one.log"; exit 1; }
wait $second || { cat "$tmp/two.log"; exit 1; }
(cd "$two/dist/release" && sha256sum --quiet -c SHA256SUMS)
diff -r "$one/dist/release" "$two/dist/release"
(cd "$two/dist/release" && ls -l | awk 'NR > 1 {printf "%12d  %s\n", $5, $9}')
echo ">> the same $(ls "$one/dist/release" | wc -l) files"
