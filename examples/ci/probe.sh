#!/usr/bin/env bash
# probe.sh URL…: probes each URL, three times if need be, and posts one message to Slack about all that failed. The exit status
# is 1 if one did. For any CI: it needs healthcheck_exporter and curl, and SLACK_WEBHOOK_URL; RUN_URL is a link to this run.
set -uo pipefail

# Text as Slack wants it, as the inside of a JSON string.
escape() {
	local text=$1
	text=${text//&/&amp;} text=${text//</&lt;} text=${text//>/&gt;}
	text=${text//\\/\\\\} text=${text//\"/\\\"}
	printf '%s' "${text//[[:cntrl:]]/ }"
}

failed=
for url in "$@"; do
	if ! report=$(healthcheck_exporter probe "$url" --attempts 3 --retry-delay 1s --timeout 30s 2>&1); then
		printf '%s\n\n' "$report"
		reason=$(sed -n 's/^FAILED[^:]*: //p' <<<"$report" | head -n 1)
		failed+="\\n• $(escape "$url"): $(escape "${reason:-the probe could not be made}")"
	fi
done
[[ -n $failed ]] || exit 0

text=":red_circle: *DOWN*$failed"
[[ -z ${RUN_URL:-} ]] || text+="\\n<$(escape "$RUN_URL")|Details>"
# The URL is a secret: curl reads it from its standard input, where no list of processes shows it.
curl --silent --show-error --fail --max-time 20 --config - \
	--header 'Content-Type: application/json' --data "{\"text\": \"$text\"}" <<<"url = \"${SLACK_WEBHOOK_URL:?is not set}\"" >/dev/null ||
	echo "probe.sh: Slack was not told" >&2
exit 1
