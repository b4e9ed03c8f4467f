#!/usr/bin/env bash
# Builds what people install, from a checkout: make packages, make release, make image. PLATFORMS="linux/amd64 linux/arm64" builds for
# these instead of all of .promu.yml. What comes out depends on the commit and on the version of Go alone.
set -euo pipefail
unset CDPATH
cd "$(dirname "${BASH_SOURCE[0]}")/.."
((BASH_VERSINFO[0] >= 4)) || { echo "packaging/build.sh needs bash 4 or newer; macOS has it from Homebrew" >&2; exit 1; }

umask 022
export LC_ALL=C TZ=UTC
# Whatever is set on this machine: these are the defaults of Go.
export GOFLAGS=-buildvcs=false GO386=sse2 GOAMD64=v1 GOARM64=v8.0 GOPPC64=power8 GORISCV64=rva20u64 GOFIPS140=off
unset GOEXPERIMENT TAR_OPTIONS GZIP
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log --no-show-signature -1 --format=%ct)}
export BRANCH=HEAD BUILD_USER=release
version=$(<VERSION)
name=healthcheck_exporter
build=dist/build
host=$(go env GOHOSTOS)/$(go env GOHOSTARCH)

# The packages that a platform of Go has: the name that nfpm has for its architecture. armv6 has none, since Debian's armhf, which
# Raspbian's is called as well, is armv7.
declare -A package_arch=(
	[linux/386]=386 [linux/amd64]=amd64 [linux/arm64]=arm64 [linux/armv7]=arm7
	[linux/ppc64le]=ppc64le [linux/riscv64]=riscv64 [linux/s390x]=s390x
)

say() { echo ">> $*"; }

# platforms prints those of .promu.yml, one a line.
platforms() {
	sed -nE 's|^ +- ([a-z]+)/\(?([a-z0-9_|]+)\)?\$$|\1 \2|p' .promu.yml |
		awk '{n = split($2, arch, "|"); for (i = 1; i <= n; i++) print $1 "/" arch[i]}'
}

# generate runs packaging/generate on this machine, whatever is built.
generate() {
	env -u GOOS -u GOARCH -u GOARM go run -trimpath ./packaging/generate -version "$version" -epoch "$SOURCE_DATE_EPOCH" "$@"
}

# binary OS/ARCH builds the program, and writes beside it the licences of what is linked into it. A second time costs nothing.
binary() {
	local os=${1%/*} arch=${1#*/} dir=$build/${1/\//-} arm=
	[[ $arch != armv* ]] || { arm=${arch#armv}; arch=arm; }
	mkdir -p "$dir"
	(
		[[ -z ${BUILD_GOCACHE:-} ]] || export GOCACHE=$BUILD_GOCACHE
		GOOS=$os GOARCH=$arch GOARM=$arm "${MAKE:-make}" build BINARY="$dir/$name"
	)
	packaging/modules.sh | generate licenses "$(program "$1")" >"$dir/LICENSES.txt"
}

# program OS/ARCH is the path of a program that is built.
program() {
	local file=$build/${1/\//-}/$name
	[[ $1 != windows/* ]] || file+=.exe
	echo "$file"
}

# tracked PATTERN... lists files of the commit that are for users.
tracked() { git ls-files -- "$@" | grep -Ev '_test\.go$|/testdata/'; }

# stage lays out what is the same for every platform.
stage() {
	local stage=$build/stage self file
	self=$(program "$host")
	binary "$host"
	say "man pages and completion"
	rm -rf "$stage"
	mkdir -p "$stage"/{completion,doc,man/man1,man/man5,share/mixin/dashboards,share/alertmanager}
	"$self" --help-man | gzip -9n >"$stage/man/man1/$name.1.gz"
	generate manual config/reference.yml | gzip -9n >"$stage/man/man5/healthcheck.yml.5.gz"
	"$self" --completion-script-bash >"$stage/completion/$name.bash"
	"$self" --completion-script-zsh >"$stage/completion/_$name"
	"$self" --completion-script-fish >"$stage/completion/$name.fish"

	sed "s|/usr/local/bin/$name|/usr/bin/$name|" examples/systemd/$name.service >"$stage/$name.service"
	cp packaging/etc/{healthcheck.yml,default} "$stage"
	cp mixin/prometheus_{alerts,rules}.yaml "$stage/share/mixin"
	cp mixin/dashboards_out/*.json "$stage/share/mixin/dashboards"
	tracked examples/alertmanager/'*.yml' examples/alertmanager/'*.tmpl' | xargs -d '\n' cp -t "$stage/share/alertmanager"
	printf '%s\n' "healthcheck-exporter ($version) unstable; urgency=medium" '' '  * CHANGELOG.md says what is new.' '' \
		" -- $(sed -n 's/^maintainer: //p' packaging/nfpm.yaml)  $(date -R -d "@$SOURCE_DATE_EPOCH")" | gzip -9n >"$stage/changelog.gz"
	# As in the repository, so that the links from page to page lead somewhere.
	tracked ./*.md LICENSE NOTICE Dockerfile .promu.yml docs examples config/reference.yml mixin packaging/helm/healthcheck-exporter |
		while read -r file; do install -D -m 0644 "$file" "$stage/doc/$file"; done
	chmod -R u=rwX,go=rX "$stage" # nfpm takes the modes of trees as they are, and a checkout has them by the umask
}

# packages OS/ARCH makes the deb and the rpm of a platform, if it has any.
packages() {
	local arch=${package_arch[$1]:-} format
	[[ -n $arch ]] || return 0
	mkdir -p dist/packages
	for format in deb rpm; do
		say "$format for $arch"
		STAGE=$build/stage BUILD=$build/${1/\//-} ARCH=$arch VERSION=$version \
			go tool -modfile=tools/nfpm/go.mod nfpm package --config packaging/nfpm.yaml --packager "$format" --target dist/packages/ |
			sed -n 's/^created package: /   /p'
	done
}

# tarball FILE DIR packs a directory as any machine packs it. gzip -9 makes 1 % less of it, and takes three times as long.
tarball() {
	tar --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --mtime="@$SOURCE_DATE_EPOCH" --format=ustar \
		-C "$(dirname "$2")" -cf - "$(basename "$2")" | gzip -n >"$1"
}

# pack DIR BASE packs the directory BASE into a file that people of its platform can open.
pack() {
	case $2 in
	*.windows-*)
		say "$2.zip"
		generate zip "$1" >"dist/release/$2.zip"
		;;
	*)
		say "$2.tar.gz"
		tarball "dist/release/$2.tar.gz" "$1"
		;;
	esac
}

# archive OS/ARCH makes the archive of a platform, with the pages and examples that packages have, and its bill of materials.
archive() {
	local base=$name-$version.${1/\//-} dir
	dir=$build/archive/$base
	rm -rf "$dir"
	mkdir -p "$dir/man" "$dir/completion"
	cp "$(program "$1")" "$build/${1/\//-}/LICENSES.txt" "$dir"
	cp "$build"/stage/man/*/* "$dir/man"
	cp "$build"/stage/completion/* "$dir/completion"
	cp -R "$build"/stage/doc/. "$dir"
	pack "$dir" "$base"
	rm -rf "$dir"
	packaging/modules.sh | generate sbom "$(program "$1")" >"dist/release/$base.cdx.json"
}

# committed says no to a tree that is not that of the commit. A file that git does not know would be compiled in as well. What is
# built is then of that commit, also where CI has a REVISION of its own.
committed() {
	local changes
	changes=$(git status --porcelain --untracked-files=normal)
	unset REVISION
	[[ -z $changes ]] || { echo "make $1: the tree has changes that are not committed:"; echo "$changes"; exit 1; } >&2
}

# image ARG... builds an image whose program is made as that of a release. ARGS has more for docker build.
image() {
	local label=org.opencontainers.image revision created format=+%FT%TZ
	revision=${REVISION:-$(git rev-parse HEAD)}
	created=$(date -d "@$SOURCE_DATE_EPOCH" "$format" 2>/dev/null || date -r "$SOURCE_DATE_EPOCH" "$format") # GNU's, or BSD's
	# shellcheck disable=SC2086 # a list
	"${DOCKER:-docker}" build "$@" \
		--build-arg REVISION="$revision" --build-arg BRANCH --build-arg BUILD_USER --build-arg SOURCE_DATE_EPOCH \
		--label $label.version="$version" --label $label.revision="$revision" \
		--label $label.created="$created" ${ARGS:-} .
}

# chart DIR packs the Helm chart, as it is committed, into a directory. helm package would write the time of now into it.
chart() {
	local dir=$build/chart/healthcheck-exporter file
	rm -rf "$dir"
	tracked packaging/helm/healthcheck-exporter | while read -r file; do
		install -D -m 0644 "$file" "$build/chart/${file#packaging/helm/}"
	done
	say "healthcheck-exporter-$version.tgz"
	mkdir -p "$1"
	tarball "$1/healthcheck-exporter-$version.tgz" "$dir"
}

# shellcheck disable=SC2086 # a list
mapfile -t all < <(if [[ -n ${PLATFORMS:-} ]]; then printf '%s\n' $PLATFORMS; else platforms; fi)

case ${1:-} in
platforms)
	printf '%s\n' "${all[@]}"
	;;
packages)
	some=()
	for p in "${all[@]}"; do [[ -z ${package_arch[$p]:-} ]] || some+=("$p"); done
	((${#some[@]})) || {
		echo "make packages: there are no packages for ${all[*]}, only for $(printf '%s\n' "${!package_arch[@]}" | sort | paste -sd ' ' -)" >&2
		exit 1
	}
	rm -rf dist/packages
	stage
	for p in "${some[@]}"; do
		binary "$p"
		packages "$p"
	done
	;;
release)
	committed release
	rm -rf dist/packages dist/release
	mkdir -p dist/release
	stage
	for p in "${all[@]}"; do
		binary "$p"
		packages "$p"
		archive "$p"
	done
	[[ ! -d dist/packages ]] || cp dist/packages/* dist/release
	chart dist/release
	say "SHA256SUMS"
	(cd dist/release && sha256sum -- * >SHA256SUMS)
	;;
image)
	image -t "$name:$version"
	;;
release-image)
	committed release-image
	grep -qE '^ARG GOLANG=[^@]+@sha256:[0-9a-f]{64}$' Dockerfile || {
		echo "make release-image: GOLANG in Dockerfile has no digest; RELEASING.md says how to write it there" >&2
		exit 1
	}
	image
	;;
chart)
	chart "${2:-dist/release}"
	;;
*)
	echo "usage: packaging/build.sh packages|release|image|release-image|platforms|chart [DIR]" >&2
	exit 2
	;;
esac
