{{/*
What would start and do harm, or never work, is refused here: each line names the value, and what to do. The exporter itself checks
the rest of its configuration, and the schema what the values are.
*/}}
{{- define "healthcheck-exporter.refuse" -}}
{{- $problems := list }}
{{- $several := gt (int .Values.replicas) 1 }}
{{- $config := .Values.config }}
{{- $access := $config.access | default dict }}
{{- $managed := ($config.managed | default dict).targets }}
{{- $selfProbe := ($config.status | default dict).self_probe }}
{{- $monitoring := .Values.monitoring }}
{{- $token := include "healthcheck-exporter.tokenSecret" . }}
{{- $name := include "healthcheck-exporter.fullname" . }}

{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) }}
  {{- $problems = append $problems (printf "fullnameOverride: Kubernetes refuses Services called %s: set a name of lower-case letters, digits and -, which begins with a letter" $name) }}
{{- end }}
{{- if and (include "healthcheck-exporter.asksCluster" .) .Values.restarts.rbac.create (eq (include "healthcheck-exporter.serviceAccount" .) "default") }}
  {{- $problems = append $problems "serviceAccount.name: every Pod that names no account runs as default, and would get the right to restart: name another one" }}
{{- end }}

{{- with $config.restart }}
  {{- $receiver := .receiver | default dict }}
  {{- $alone := (.defaults | default dict).without_alert_after }}
  {{- range .services }}
    {{- $alone = .without_alert_after | default $alone }}
    {{- with .kubernetes }}
      {{- if not (and (has .kind (list "deployment" "statefulset" "daemonset")) .namespace .name) }}
        {{- $problems = append $problems (printf "config.restart.services: kubernetes has %s, want the kind deployment, statefulset or daemonset, namespace and name: the right to restart is made of them" (toJson .)) }}
      {{- end }}
    {{- end }}
    {{- if kindIs "bool" .mode }}
      {{- $problems = append $problems (printf "config.restart.services: the mode of %s is %t, because YAML reads a bare off so: write 'off' with quotes" .name .mode) }}
    {{- end }}
  {{- end }}
  {{- if kindIs "bool" .mode }}
    {{- $problems = append $problems (printf "config.restart.mode: is %t, because YAML reads a bare off so: write 'off' with quotes" .mode) }}
  {{- end }}
  {{- if $receiver.insecure }}
    {{- $problems = append $problems "config.restart.receiver.insecure: everybody who reaches the port could ask for restarts: leave the receiver out, and set restarts.token.existingSecret" }}
  {{- else if or $receiver.bearer_token ($receiver.basic_auth | default dict).password }}
    {{- $problems = append $problems "config.restart.receiver: has a secret, which everybody could read in the ConfigMap: leave the receiver out, and set restarts.token.existingSecret" }}
  {{- else if and $receiver $token }}
    {{- $problems = append $problems "config.restart.receiver: restarts.token says the same: leave one of them out" }}
  {{- else if not (or $receiver $token $alone) }}
    {{- $problems = append $problems (printf "restarts.token.existingSecret: config.restart needs the token that Alertmanager sends. Make one, and name it here: kubectl -n %s create secret generic healthcheck-restart --from-literal=%s=$(openssl rand -hex 32)" $.Release.Namespace $.Values.restarts.token.key) }}
  {{- end }}
  {{- if and $monitoring.alertmanagerConfig.enabled $receiver (not $token) (not $alone) }}
    {{- $problems = append $problems "monitoring.alertmanagerConfig.enabled: Alertmanager takes the token of restarts from restarts.token alone: leave config.restart.receiver out, and set restarts.token.existingSecret" }}
  {{- end }}
  {{- with .leader_election }}
    {{- if not (and .namespace .lease) }}
      {{- $problems = append $problems (printf "config.restart.leader_election: is %s, want namespace and lease: the right to hold the Lease is made of them" (toJson .)) }}
    {{- end }}
  {{- end }}
  {{- if and .leader_election $.Values.restarts.lease.enabled }}
    {{- $problems = append $problems "config.restart.leader_election: restarts.lease.enabled says the same: leave one of them out" }}
  {{- else if and $several (not .leader_election) (not $.Values.restarts.lease.enabled) }}
    {{- $problems = append $problems (printf "restarts.lease.enabled: %d exporters would each restart the same services: set it to true, or replicas to 1" (int $.Values.replicas)) }}
  {{- end }}
{{- else }}
  {{- if $token }}
    {{- $problems = append $problems "restarts.token: does nothing without config.restart: leave it out, or say there what is restarted" }}
  {{- end }}
  {{- if .Values.restarts.lease.enabled }}
    {{- $problems = append $problems "restarts.lease.enabled: does nothing without config.restart: leave it out, or say there what is restarted" }}
  {{- end }}
{{- end }}

{{- if kindIs "bool" $selfProbe }}
  {{- $problems = append $problems "config.status.self_probe: is a bool, because YAML reads a bare off so: write 'off' with quotes" }}
{{- end }}
{{- if hasKey .Values.inventory "healthcheck.yml" }}
  {{- $problems = append $problems "inventory: healthcheck.yml is the configuration: give the list another name" }}
{{- end }}
{{- $keys := ternary (list .Values.restarts.token.key) list (ne $token "") }}
{{- range .Values.secrets }}
  {{- range .keys }}
    {{- if has . $keys }}
      {{- $problems = append $problems (printf "secrets: the key %s is there twice, and is one file: give it another name in one of the Secrets" .) }}
    {{- end }}
    {{- $keys = append $keys . }}
  {{- end }}
{{- end }}
{{- range $label, $_ := include "healthcheck-exporter.selector" . | fromYaml }}
  {{- if hasKey $.Values.podLabels $label }}
    {{- $problems = append $problems (printf "podLabels: %s is for the chart to set: its objects find the Pods by it" $label) }}
  {{- end }}
{{- end }}
{{- if and .Values.rolloutOnChange (hasKey .Values.podAnnotations "checksum/config") }}
  {{- $problems = append $problems "podAnnotations: checksum/config is for the chart to set: rolloutOnChange does" }}
{{- end }}
{{- range $label, $_ := include "healthcheck-exporter.labels" . | fromYaml }}
  {{- if hasKey $monitoring.labels $label }}
    {{- $problems = append $problems (printf "monitoring.labels: %s is for the chart to set: all its objects have it" $label) }}
  {{- end }}
{{- end }}
{{- range $access.users }}
  {{- if .bearer_token }}
    {{- $problems = append $problems (printf "config.access.users: the bearer_token of %s could be read by everybody in the ConfigMap: write bearer_token_file: /etc/healthcheck_exporter/secrets/KEY, and add the Secret to secrets" .name) }}
  {{- end }}
{{- end }}
{{- $elsewhere := omit $config "access" "restart" }}
{{- with $config.restart }}
  {{- $_ := set $elsewhere "restart" (omit . "receiver") }}
{{- end }}
{{- range include "healthcheck-exporter.secretsIn" (dict "path" "config" "in" $elsewhere) | splitList "\n" }}
  {{- with . }}
    {{- $found := splitn " " 2 . }}
    {{- $problems = append $problems (printf "%s: could be read by everybody in the ConfigMap: write %s instead, and add the Secret to secrets" $found._0 $found._1) }}
  {{- end }}
{{- end }}
{{- if and $managed (not $access.users) }}
  {{- $problems = append $problems "config.managed.targets: nobody may edit: add a user of role edit to config.access.users" }}
{{- end }}
{{- if not .Values.persistence.enabled }}
  {{- if $config.restart }}
    {{- $problems = append $problems "persistence.enabled: config.restart needs it: without a volume the budget and the lock-out of a service end with the Pod" }}
  {{- end }}
  {{- if $managed }}
    {{- $problems = append $problems "persistence.enabled: config.managed needs it: without a volume what people edit ends with the Pod" }}
  {{- end }}
  {{- if $config.alertmanager }}
    {{- $problems = append $problems "persistence.enabled: config.alertmanager needs it: without a volume the channels end with the Pod" }}
  {{- end }}
  {{- if .Values.persistence.existingClaim }}
    {{- $problems = append $problems "persistence.enabled: persistence.existingClaim needs it: without it the claim is not used" }}
  {{- end }}
{{- end }}
{{- if and (ne .Values.service.type "ClusterIP") (ne (toString $access.anonymous) "none") }}
  {{- $problems = append $problems (printf "service.type: %s lets everybody who reaches the port have any URL requested: set config.access.anonymous to none, or the type to ClusterIP" .Values.service.type) }}
{{- end }}

{{- if $several }}
  {{- if $managed }}
    {{- $problems = append $problems "replicas: config.managed needs 1: what people edit is kept by the one exporter that they asked" }}
  {{- end }}
  {{- if $config.alertmanager }}
    {{- $problems = append $problems "replicas: config.alertmanager needs 1: only one exporter may write the configuration of an Alertmanager" }}
  {{- end }}
  {{- if eq (toString $selfProbe) "when_stale" }}
    {{- $problems = append $problems "replicas: config.status.self_probe needs 1: each exporter would probe all targets" }}
  {{- end }}
  {{- if .Values.persistence.existingClaim }}
    {{- $problems = append $problems "persistence.existingClaim: several exporters need a volume each: leave it out, or set replicas to 1" }}
  {{- end }}
  {{- if $monitoring.serviceMonitor.enabled }}
    {{- $problems = append $problems "monitoring.serviceMonitor.enabled: Prometheus would get every series from each exporter: enable monitoring.scrapeConfig instead, or set replicas to 1" }}
  {{- end }}
{{- else if .Values.podDisruptionBudget.enabled }}
  {{- $problems = append $problems "podDisruptionBudget.enabled: one replica has to be away while its node is drained: leave it out, or set replicas to 2 or more" }}
{{- end }}

{{- if and $monitoring.scrapeConfig.enabled $monitoring.serviceMonitor.enabled }}
  {{- $problems = append $problems "monitoring.serviceMonitor.enabled: monitoring.scrapeConfig scrapes the same targets: enable one of them" }}
{{- end }}
{{- if and (or $monitoring.scrapeConfig.enabled $monitoring.serviceMonitor.enabled) (eq (toString $access.anonymous) "none") (not $monitoring.token.secret) }}
  {{- $problems = append $problems "monitoring.token.secret: with config.access.anonymous: none Prometheus needs the token of a user of role read: name the Secret that has it" }}
{{- end }}
{{- range .Values.extraArgs }}
  {{- if regexMatch "^--(no-)?(config\\.(file|check|enable-auto-reload)|storage\\.path|web\\.(listen-address|systemd-socket|config\\.file|route-prefix))(=|$)" . }}
    {{- $problems = append $problems (printf "extraArgs: %s is for the chart to set: its volumes, probes and objects expect what it has" .) }}
  {{- else if and $several (regexMatch "^--web\\.external-url(=|$)" .) }}
    {{- $problems = append $problems (printf "extraArgs: %s would be the one address of all %d exporters, and Prometheus would ask one of them for every target: leave it out, or set replicas to 1" . (int $.Values.replicas)) }}
  {{- else if regexMatch "^--web\\.external-url=[a-zA-Z]+://[^/]+/+[^/]" . }}
    {{- $problems = append $problems (printf "extraArgs: %s has a path, below which everything would be served: the kubelet would not find /-/healthy, and kill the Pod for ever. Give the exporter a host of its own" .) }}
  {{- end }}
{{- end }}

{{- if $problems }}
{{- fail (printf "the values cannot be used:\n  - %s\n" (join "\n  - " $problems)) }}
{{- end }}
{{- end }}
