#!/usr/bin/env bash
# deploy.sh TARGET… -- COMMAND…: runs a deploy without noise. The targets are in maintenance until they were seen failing and then
# healthy for a minute, and for DEPLOY_MAX (20m) at the latest. If the deploy fails the maintenance ends at once, so that people
# hear of what it left behind. The exit status is that of the command. It needs healthcheck_exporter; where the server is,
# HEALTHCHECK_EXPORTER_URL and HEALTHCHECK_EXPORTER_HTTP_CONFIG say.
set -uo pipefail

targets=()
while [[ $# -gt 0 && $1 != -- ]]; do
	targets+=("$1")
	shift
done
if [[ ${#targets[@]} -eq 0 || $# -lt 2 ]]; then
	echo "usage: deploy.sh TARGET… -- COMMAND…" >&2
	exit 2
fi
shift

finish() {
	local status=$?
	if [[ $status -ne 0 ]]; then
		healthcheck_exporter maintenance end "${targets[@]}" || echo "deploy.sh: the maintenance goes on until its end" >&2
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

# A deploy that nobody could announce is a noisy one, and still a deploy.
healthcheck_exporter maintenance start "${targets[@]}" --duration="${DEPLOY_MAX:-20m}" --until-healthy --reason="${DEPLOY_REASON:-deploy}" ||
	echo "deploy.sh: without maintenance" >&2
"$@"
