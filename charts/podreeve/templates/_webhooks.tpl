{{/* Everything that makes pods, and what changes them afterwards. */}}
{{- define "podreeve.rules" -}}
- apiGroups: [""]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [pods, pods/ephemeralcontainers, pods/resize, podtemplates, replicationcontrollers]
  scope: Namespaced
- apiGroups: [apps]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [deployments, statefulsets, daemonsets, replicasets]
  scope: Namespaced
- apiGroups: [batch]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [jobs, cronjobs]
  scope: Namespaced
{{- end -}}

{{/* What the validating webhooks judge on top of that. */}}
{{- define "podreeve.validatingRules" -}}
{{ include "podreeve.rules" . }}
{{- if .Values.webhook.connect }}
- apiGroups: [""]
  apiVersions: [v1]
  operations: [CONNECT]
  resources: [pods/exec, pods/attach, pods/portforward, pods/proxy]
  scope: Namespaced
{{- end }}
{{- if .Values.webhook.podSecurityLabels }}
- apiGroups: [""]
  apiVersions: [v1]
  operations: [CREATE, UPDATE]
  resources: [namespaces]
  scope: Cluster
{{- end }}
{{- end -}}

{{/* podreeve's own namespace has webhooks of its own, unless the values leave it out by name. */}}
{{- define "podreeve.ownNamespace" -}}
{{- if not (has .Release.Namespace .Values.webhook.excludeNamespaces) }}true{{ end -}}
{{- end -}}

{{/* There is no objectSelector, and cannot be: whoever writes a pod writes its labels. */}}
{{- define "podreeve.namespaceSelector" -}}
{{- $selector := .Values.webhook.namespaceSelector }}
{{- with $selector.matchLabels }}
matchLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
matchExpressions:
- key: kubernetes.io/metadata.name
  operator: NotIn
  values:
  {{- range append .Values.webhook.excludeNamespaces .Release.Namespace | uniq }}
  - {{ . }}
  {{- end }}
{{- with $selector.matchExpressions }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "podreeve.clientConfig" -}}
{{- $ := index . 0 -}}
{{- if and (eq $.Values.tls.mode "existingSecret") $.Values.tls.caBundle }}
caBundle: {{ $.Values.tls.caBundle | b64enc }}
{{- end }}
service:
  name: {{ include "podreeve.fullname" $ }}
  namespace: {{ $.Release.Namespace }}
  path: {{ index . 1 }}
  port: {{ $.Values.service.port }}
{{- end -}}

{{- define "podreeve.webhookMetadata" -}}
name: {{ include "podreeve.fullname" . }}
labels:
  {{- include "podreeve.labels" . | nindent 2 }}
{{- if or .Values.webhook.annotations (eq .Values.tls.mode "certManager") }}
annotations:
  {{- if eq .Values.tls.mode "certManager" }}
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/{{ include "podreeve.fullname" . }}
  {{- end }}
  {{- with .Values.webhook.annotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Of podreeve's own namespace. When nobody answers, its pods are let in: no replica could start otherwise. */}}
{{- define "podreeve.ownNamespaceCommon" -}}
failurePolicy: Ignore
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Release.Namespace }}
{{ include "podreeve.webhookShared" . }}
{{- end -}}

{{- define "podreeve.webhookCommon" -}}
namespaceSelector:
  {{- include "podreeve.namespaceSelector" . | trim | nindent 2 }}
{{ include "podreeve.webhookShared" . }}
{{- end -}}

{{- define "podreeve.webhookShared" -}}
{{- with .Values.webhook.matchConditions -}}
matchConditions:
{{- toYaml . | nindent 0 }}
{{ end -}}
matchPolicy: {{ .Values.webhook.matchPolicy }}
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
admissionReviewVersions: [v1]
sideEffects: None
{{- end -}}
