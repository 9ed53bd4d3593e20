{{- define "podreeve.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* 50 characters, so that every suffix fits into a name of 63. */}}
{{- define "podreeve.fullname" -}}
{{- $name := include "podreeve.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "podreeve.selectorLabels" -}}
app.kubernetes.io/name: {{ include "podreeve.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end -}}

{{- define "podreeve.labels" -}}
app.kubernetes.io/name: {{ include "podreeve.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: podreeve
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The annotations of an object: those of every object, and its own, which win. */}}
{{- define "podreeve.allAnnotations" -}}
{{- with merge (dict) (deepCopy (index . 1)) (index . 0).Values.commonAnnotations }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{- define "podreeve.annotations" -}}
{{- with include "podreeve.allAnnotations" . }}
  annotations:
    {{- . | nindent 4 }}
{{- end -}}
{{- end -}}

{{- define "podreeve.image" -}}
{{- $image := .Values.image -}}
{{- $global := default dict .Values.global -}}
{{- $registry := default (get $global "imageRegistry") $image.registry -}}
{{- $name := printf "%s%s%s" (default "" $registry) (ternary "/" "" (not (empty $registry))) $image.repository -}}
{{- $name = $image.digest | empty | ternary (printf "%s:%s" $name (default .Chart.AppVersion $image.tag)) (printf "%s@%s" $name $image.digest) -}}
{{- /* An address of IPv6 begins as a list of YAML does. */ -}}
{{- hasPrefix "[" $name | ternary (quote $name) $name -}}
{{- end -}}

{{- define "podreeve.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "podreeve.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* The agents on the nodes. */}}
{{- define "podreeve.nodes" -}}
{{- printf "%s-nodes" (include "podreeve.fullname" .) -}}
{{- end -}}

{{- define "podreeve.nodesSelectorLabels" -}}
app.kubernetes.io/name: {{ include "podreeve.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: node
{{- end -}}

{{/* The repository of the image, as an exemption names it. */}}
{{- define "podreeve.imageRepository" -}}
{{- with default (get (default dict .Values.global) "imageRegistry") .Values.image.registry }}{{ . }}/{{ end -}}
{{- .Values.image.repository -}}
{{- end -}}

{{/* The account that kubelets see. */}}
{{- define "podreeve.kubelets" -}}
{{- printf "%s-kubelets" (include "podreeve.fullname" .) -}}
{{- end -}}

{{- define "podreeve.tlsSecret" -}}
{{- default (printf "%s-tls" (include "podreeve.fullname" .)) .Values.tls.secretName -}}
{{- end -}}

{{- define "podreeve.selfManaged" -}}
{{- if eq .Values.tls.mode "selfManaged" }}true{{ end -}}
{{- end -}}

{{/* Whether callers need a certificate. */}}
{{- define "podreeve.clientCA" -}}
{{- $ca := .Values.webhook.clientCA -}}
{{- $sources := compact (list $ca.caBundle $ca.configMapName $ca.secretName) -}}
{{- if gt (len $sources) 1 -}}
{{- fail "webhook.clientCA has several of caBundle, configMapName and secretName; leave one of them" -}}
{{- end -}}
{{- if $sources }}true{{ end -}}
{{- end -}}

{{/* The volume with their CA. */}}
{{- define "podreeve.clientCAVolume" -}}
{{- $ca := .Values.webhook.clientCA -}}
{{- $item := ternary "ca.crt" $ca.key (ne $ca.caBundle "") -}}
name: client-ca
{{- if $ca.secretName }}
secret:
  secretName: {{ $ca.secretName }}
  defaultMode: 0440
{{- else }}
configMap:
  name: {{ default (printf "%s-client-ca" (include "podreeve.fullname" .)) $ca.configMapName }}
{{- end }}
  items:
  - {key: {{ $item }}, path: ca.crt}
{{- end -}}

{{/* What a webhook and a hook's pod have in common. */}}
{{- define "podreeve.podDefaults" -}}
{{- with concat .Values.imagePullSecrets (default list (get (default dict .Values.global) "imagePullSecrets")) }}
imagePullSecrets:
{{- range . }}
- {name: {{ kindIs "map" . | ternary (get (kindIs "map" . | ternary . dict) "name") . }}}
{{- end }}
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.dnsPolicy }}
dnsPolicy: {{ . }}
{{- end }}
{{- with .Values.dnsConfig }}
dnsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if not (kindIs "invalid" .Values.hostUsers) }}
hostUsers: {{ .Values.hostUsers }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
{{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The data of the ConfigMap: each file is text, or the Policy itself. Built-in policies that the values change are files too. */}}
{{- define "podreeve.policyFiles" -}}
{{- range $name, $content := .Values.policyFiles }}
{{ $name }}: |-
  {{- (kindIs "string" $content) | ternary $content (toYaml $content) | trim | nindent 2 }}
{{- end }}
{{- include "podreeve.builtInFiles" . }}
{{- end -}}

{{/* Their hash, as `sha256sum * | sha256sum` has it in the folder where they are mounted. */}}
{{- define "podreeve.policyFilesHash" -}}
{{- $list := "" -}}
{{- range $name, $text := include "podreeve.policyFiles" . | fromYaml -}}
{{- $list = printf "%s%s  %s\n" $list (sha256sum $text) $name -}}
{{- end -}}
{{- sha256sum $list -}}
{{- end -}}
