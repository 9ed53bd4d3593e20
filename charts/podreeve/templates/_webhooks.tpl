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

{{/* A request may wait for a registry: at most two seconds, and half of this. */}}
{{- define "podreeve.timeoutSeconds" -}}
{{- if kindIs "invalid" .Values.webhook.timeoutSeconds -}}
{{ ternary 10 5 .Values.images.enabled }}
{{- else -}}
{{ .Values.webhook.timeoutSeconds }}
{{- end -}}
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
{{- $own := dict }}
{{- if eq .Values.tls.mode "certManager" }}
{{- $_ := set $own "cert-manager.io/inject-ca-from" (printf "%s/%s" .Release.Namespace (include "podreeve.fullname" .)) }}
{{- end }}
{{- with include "podreeve.allAnnotations" (list . (merge $own .Values.webhook.annotations)) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Of podreeve's own namespace. When nobody answers, its pods are let in: no replica could start otherwise. */}}
{{- define "podreeve.ownNamespaceCommon" -}}
failurePolicy: Ignore
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ .Release.Namespace }}
{{ include "podreeve.webhookShared" (list . (include "podreeve.ownMatchConditions" .)) }}
{{- end -}}

{{- define "podreeve.webhookCommon" -}}
namespaceSelector:
  {{- include "podreeve.namespaceSelector" . | trim | nindent 2 }}
{{ include "podreeve.webhookShared" (list . (include "podreeve.matchConditions" .)) }}
{{- end -}}

{{/*
The template of the agents is not judged, and each of their pods is. An upgrade that switches the agents on brings their exemption with it, and
replicas of before, which do not know it yet, would refuse the DaemonSet and the upgrade. They refuse its pods, and the new replicas let them in.
*/}}
{{- define "podreeve.ownMatchConditions" -}}
{{ include "podreeve.matchConditions" . }}
- name: not-the-template-of-the-agents
  expression: "!(request.resource.group == 'apps' && request.resource.resource == 'daemonsets' && request.name == '{{ include "podreeve.nodes" . }}')"
{{- end -}}

{{/* The API server evaluates these before it calls: what is excluded costs nothing. */}}
{{- define "podreeve.matchConditions" -}}
{{- $webhook := .Values.webhook -}}
{{- with $webhook.excludeUsers }}
- name: exclude-users
  expression: "!(request.userInfo.username in {{ include "podreeve.celList" . }})"
{{- end }}
{{- with $webhook.excludeGroups }}
- name: exclude-groups
  expression: "!request.userInfo.groups.exists(group, group in {{ include "podreeve.celList" . }})"
{{- end }}
{{- with $webhook.excludeNamespacePrefixes }}
- name: exclude-namespace-prefixes
  expression: "!{{ include "podreeve.celList" . }}.exists(prefix, request.namespace.startsWith(prefix))"
{{- end }}
{{- with $webhook.matchConditions }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "podreeve.celList" -}}
[{{- range $index, $text := . }}{{ if $index }}, {{ end }}'{{ $text }}'{{ end -}}]
{{- end -}}

{{- define "podreeve.webhookShared" -}}
{{- $ := index . 0 -}}
{{- with index . 1 | trim -}}
matchConditions:
{{ . }}
{{ end -}}
matchPolicy: {{ $.Values.webhook.matchPolicy }}
timeoutSeconds: {{ include "podreeve.timeoutSeconds" $ }}
admissionReviewVersions: [v1]
sideEffects: None
{{- end -}}

{{/* Below mode deny, podreeve must not keep a pod out by its absence either. */}}
{{- define "podreeve.failurePolicy" -}}
{{- default (eq .Values.mode "deny" | ternary "Fail" "Ignore") .Values.webhook.failurePolicy -}}
{{- end -}}

{{- define "podreeve.validatingWebhooks" -}}
- name: validate.podreeve.dev
  clientConfig:
    {{- include "podreeve.clientConfig" (list . "/validate") | trim | nindent 4 }}
  rules:
  {{- include "podreeve.validatingRules" . | nindent 2 }}
  failurePolicy: {{ include "podreeve.failurePolicy" . }}
  {{- include "podreeve.webhookCommon" . | nindent 2 }}
{{- if include "podreeve.ownNamespace" . }}
{{- /* podreeve's own namespace: nothing privileged moves in. While podreeve does not answer, its pods are let in. */}}
- name: own-namespace.podreeve.dev
  clientConfig:
    {{- include "podreeve.clientConfig" (list . "/validate") | trim | nindent 4 }}
  rules:
  {{- include "podreeve.validatingRules" . | nindent 2 }}
  {{- include "podreeve.ownNamespaceCommon" . | nindent 2 }}
{{- end }}
{{- /* A Policy or Exemption that does not compile is refused when it is written. While podreeve does not answer it is let in,
and its condition says what is wrong: this must never keep an operator from repairing a Policy. */}}
- name: policies.podreeve.dev
  clientConfig:
    {{- include "podreeve.clientConfig" (list . "/validate") | trim | nindent 4 }}
  rules:
  - apiGroups: [podreeve.dev]
    apiVersions: [v1alpha1]
    operations: [CREATE, UPDATE]
    resources: [policies, exemptions]
    scope: "*"
  failurePolicy: Ignore
  matchPolicy: Equivalent
  timeoutSeconds: {{ include "podreeve.timeoutSeconds" . }}
  admissionReviewVersions: [v1]
  sideEffects: None
{{- end -}}

{{/* What is not repaired is judged all the same, by the validating webhook. */}}
{{- define "podreeve.mutatingWebhooks" -}}
- name: mutate.podreeve.dev
  clientConfig:
    {{- include "podreeve.clientConfig" (list . "/mutate") | trim | nindent 4 }}
  rules:
  {{- include "podreeve.rules" . | nindent 2 }}
  failurePolicy: {{ .Values.webhook.mutatingFailurePolicy }}
  reinvocationPolicy: {{ .Values.webhook.reinvocationPolicy }}
  {{- include "podreeve.webhookCommon" . | nindent 2 }}
{{- if include "podreeve.ownNamespace" . }}
{{- /* podreeve's own namespace: the same repairs as elsewhere. While podreeve does not answer, its pods are let in. */}}
- name: own-namespace.podreeve.dev
  clientConfig:
    {{- include "podreeve.clientConfig" (list . "/mutate") | trim | nindent 4 }}
  rules:
  {{- include "podreeve.rules" . | nindent 2 }}
  reinvocationPolicy: {{ .Values.webhook.reinvocationPolicy }}
  {{- include "podreeve.ownNamespaceCommon" . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The lists that the leader writes into both configurations once podreeve answers. */}}
{{- define "podreeve.webhookLists" -}}
{{- $validating := include "podreeve.validatingWebhooks" . | fromYamlArray -}}
{{- $mutating := include "podreeve.mutatingWebhooks" . | fromYamlArray -}}
{{- toPrettyJson (dict "validating" $validating "mutating" $mutating) -}}
{{- end -}}
