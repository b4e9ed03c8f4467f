{{- define "healthcheck-exporter.pod" -}}
metadata:
  labels:
    {{- include "healthcheck-exporter.selector" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or .Values.rolloutOnChange .Values.podAnnotations }}
  annotations:
    {{- if .Values.rolloutOnChange }}
    checksum/config: {{ include (print .Template.BasePath "/configmap.yaml") . | sha256sum }}
    {{- end }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  serviceAccountName: {{ include "healthcheck-exporter.serviceAccount" . | quote }}
  automountServiceAccountToken: {{ include "healthcheck-exporter.asksCluster" . | default "false" }}
  terminationGracePeriodSeconds: 35 # it waits up to 25 s for an attempt under way
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: exporter
      image: "{{ with .Values.image }}{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}{{ end }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args:
        - --config.file=/etc/healthcheck_exporter/healthcheck.yml
        {{- if not .Values.rolloutOnChange }}
        - --config.enable-auto-reload
        {{- end }}
        # Not /data itself: many volumes can be written by all, and restarts refuse that.
        - --storage.path=/data/state
        {{- range .Values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      {{- with .Values.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - name: http
          containerPort: 10115
      readinessProbe:
        httpGet:
          path: /-/ready
          port: http
        periodSeconds: 5
      livenessProbe:
        httpGet:
          path: /-/healthy
          port: http
        periodSeconds: 15
      {{- with .Values.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      volumeMounts:
        - name: config
          mountPath: /etc/healthcheck_exporter
          readOnly: true
        - name: data
          mountPath: /data
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      projected:
        sources:
          - configMap:
              name: {{ include "healthcheck-exporter.fullname" . | quote }}
              items:
                - key: healthcheck.yml
                  path: healthcheck.yml
                {{- range $file, $_ := .Values.inventory }}
                - key: {{ $file }}
                  path: inventory/{{ $file }}
                {{- end }}
          {{- with include "healthcheck-exporter.tokenSecret" . }}
          - secret:
              name: {{ . | quote }}
              items:
                - key: {{ $.Values.restarts.token.key | quote }}
                  path: secrets/{{ $.Values.restarts.token.key }}
          {{- end }}
          {{- range .Values.secrets }}
          - secret:
              name: {{ .secret | quote }}
              items:
                {{- range .keys }}
                - key: {{ . | quote }}
                  path: secrets/{{ . }}
                {{- end }}
          {{- end }}
    {{- with .Values.persistence }}
    {{- if not .enabled }}
    - name: data
      emptyDir: {}
    {{- else if eq (int $.Values.replicas) 1 }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ .existingClaim | default (include "healthcheck-exporter.fullname" $) | quote }}
    {{- end }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- range $key := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
  {{- with get $.Values $key }}
  {{ $key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* The claim of a volume, as a spec. */}}
{{- define "healthcheck-exporter.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .Values.persistence.storageClassName }}
storageClassName: {{ . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .Values.persistence.size | quote }}
{{- end }}
