{{- define "healthcheck-exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 52 | trimAll "-" }}
{{- end }}

{{/* The name of all objects: at most 52 characters, since a StatefulSet's Pods, and a Role, have more behind it. */}}
{{- define "healthcheck-exporter.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- $name = .Release.Name }}
{{- else }}
{{- $name = printf "%s-%s" .Release.Name $name }}
{{- end }}
{{- default $name .Values.fullnameOverride | trunc 52 | trimAll "-" }}
{{- end }}

{{- define "healthcheck-exporter.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "healthcheck-exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "healthcheck-exporter.selector" -}}
app.kubernetes.io/name: {{ include "healthcheck-exporter.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "healthcheck-exporter.labels" -}}
{{ include "healthcheck-exporter.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) }}
{{- end }}

{{/* The metadata of an object that is called as the release. */}}
{{- define "healthcheck-exporter.metadata" -}}
name: {{ include "healthcheck-exporter.fullname" . | quote }}
namespace: {{ .Release.Namespace | quote }}
labels:
  {{- include "healthcheck-exporter.labels" . | nindent 2 }}
{{- end }}

{{/* The labels, and those by which the Prometheus Operator selects. */}}
{{- define "healthcheck-exporter.monitoringLabels" -}}
{{ include "healthcheck-exporter.labels" . }}
{{- with .Values.monitoring.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The hosts at which each exporter is reached, as JSON: the Service, or the Pods of several by their names. */}}
{{- define "healthcheck-exporter.hosts" -}}
{{- $name := include "healthcheck-exporter.fullname" . }}
{{- $hosts := list (printf "%s.%s.svc:10115" $name .Release.Namespace) }}
{{- if gt (int .Values.replicas) 1 }}
{{- $hosts = list }}
{{- range $i := until (int .Values.replicas) }}
{{- $hosts = append $hosts (printf "%s-%d.%s-pods.%s.svc:10115" $name $i $name $.Release.Namespace) }}
{{- end }}
{{- end }}
{{- toJson $hosts }}
{{- end }}

{{/* The name of the Secret with the token of restarts, or nothing. */}}
{{- define "healthcheck-exporter.tokenSecret" -}}
{{- with .Values.restarts.token }}
{{- if .existingSecret }}
{{- .existingSecret }}
{{- else if .value }}
{{- include "healthcheck-exporter.fullname" $ }}
{{- end }}
{{- end }}
{{- end }}

{{/* The Lease in this cluster that the exporter holds, as JSON: the chart's, or that of the configuration; {} without one. */}}
{{- define "healthcheck-exporter.leader" -}}
{{- with .Values.config.restart }}
{{- if $.Values.restarts.lease.enabled }}
{{- dict "namespace" $.Release.Namespace "lease" (include "healthcheck-exporter.fullname" $) | toJson }}
{{- else if and .leader_election (not (.leader_election | default dict).kubeconfig_file) }}
{{- toJson .leader_election }}
{{- else }}{}{{ end }}
{{- else }}{}{{ end }}
{{- end }}

{{/* healthcheck.yml as it is served: the value config, and what the chart knows. */}}
{{- define "healthcheck-exporter.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if and .Values.inventory (not $config.target_files) }}
{{- $_ := set $config "target_files" (list "/etc/healthcheck_exporter/inventory/*") }}
{{- end }}
{{- with $config.restart }}
{{- if include "healthcheck-exporter.tokenSecret" $ }}
{{- $_ := set . "receiver" (dict "bearer_token_file" (printf "/etc/healthcheck_exporter/secrets/%s" $.Values.restarts.token.key)) }}
{{- end }}
{{- if $.Values.restarts.lease.enabled }}
{{- $_ := set . "leader_election" (include "healthcheck-exporter.leader" $ | fromJson) }}
{{- end }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{/* What the configuration restarts in this cluster, as JSON: namespace → verbs → plural of the kind → names. In mode off it looks at them, and patches none. */}}
{{- define "healthcheck-exporter.workloads" -}}
{{- $workloads := dict }}
{{- $restart := .Values.config.restart | default dict }}
{{- range $restart.services }}
{{- $verbs := ternary "get" "get patch" (eq (toString (.mode | default $restart.mode)) "off") }}
{{- with .kubernetes }}
{{- if and .kind .namespace .name (not .kubeconfig_file) }}
{{- $namespace := toString .namespace }}
{{- $kind := printf "%ss" .kind }}
{{- $rights := get $workloads $namespace | default dict }}
{{- $kinds := get $rights $verbs | default dict }}
{{- $_ := set $kinds $kind (append (get $kinds $kind | default list) (toString .name) | uniq) }}
{{- $_ := set $rights $verbs $kinds }}
{{- $_ := set $workloads $namespace $rights }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $workloads }}
{{- end }}

{{/* "true" if the exporter asks the API server of this cluster. */}}
{{- define "healthcheck-exporter.asksCluster" -}}
{{- if or (include "healthcheck-exporter.workloads" . | fromJson) (include "healthcheck-exporter.leader" . | fromJson) }}true{{ end }}
{{- end }}

{{/* The secrets in a part of the configuration that has a path: a line for each, with its path and what to write instead. */}}
{{- define "healthcheck-exporter.secretsIn" -}}
{{- $path := .path }}
{{- if kindIs "map" .in }}
{{- range $key, $value := .in }}
{{- $at := printf "%s.%s" $path $key }}
{{- $nested := or (kindIs "map" $value) (kindIs "slice" $value) }}
{{- if and $value (not $nested) (has $key (list "password" "credentials" "client_secret" "bearer_token" "client_certificate_key")) }}
{{ printf "%s %s_file: /etc/healthcheck_exporter/secrets/KEY" $at $key }}
{{- else if contains "PRIVATE KEY-----" (ternary "" (toString $value) $nested) }}
{{ printf "%s %s_file: /etc/healthcheck_exporter/secrets/KEY" $at $key }}
{{- else if and $value (eq $key "secrets") (kindIs "slice" $value) }}
{{ printf "%s files: [/etc/healthcheck_exporter/secrets/KEY]" $at }}
{{- else if not (has $key (list "labels" "endpoint_params" "claims")) }}
{{- include "healthcheck-exporter.secretsIn" (dict "path" $at "in" $value) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" .in }}
{{- range $i, $value := .in }}
{{- include "healthcheck-exporter.secretsIn" (dict "path" (printf "%s[%d]" $path $i) "in" $value) }}
{{- end }}
{{- end }}
{{- end }}
