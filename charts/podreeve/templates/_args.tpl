{{/* The mode, for `serve` and for `selftest`. */}}
{{- define "podreeve.modeArgs" -}}
- --mode={{ .Values.mode }}
{{- if ne .Values.denyFrom "low" }}
- --deny-from={{ .Values.denyFrom }}
{{- end }}
{{- with .Values.denyAfter }}
- --deny-after={{ . }}
{{- end }}
{{- end -}}

{{/* The same for the replicas that an upgrade replaces: from then on they deny no more than this. */}}
{{- define "podreeve.modeAnnotation" -}}
{{- $mode := dict "mode" .Values.mode "denyFrom" .Values.denyFrom -}}
{{- with .Values.denyAfter }}{{ $_ := set $mode "denyAfter" . }}{{ end -}}
{{- toJson $mode -}}
{{- end -}}

{{/* Arguments of the webhook. Every value that ends up here has a test. */}}
{{- define "podreeve.args" -}}
- serve
- --cluster
- --listen=[::]:{{ .Values.ports.https }}
- --admin-listen=[::]:{{ .Values.ports.metrics }}
- --log-format={{ .Values.log.format }}
- --log-level={{ .Values.log.level }}
{{- if ne .Values.log.decisions "stderr" }}
- --decision-log={{ .Values.log.decisions }}
{{- end }}
{{- with .Values.log.syslog }}
{{- if .address }}
- {{ printf "--syslog=%s" .address | quote }}
- --syslog-ca=/etc/podreeve/syslog/ca.crt
{{- if .clientCertificate }}
- --syslog-cert=/etc/podreeve/syslog/tls.crt
- --syslog-key=/etc/podreeve/syslog/tls.key
{{- end }}
{{- if ne .facility "local0" }}
- --syslog-facility={{ .facility }}
{{- end }}
{{- end }}
{{- end }}
- --drain-delay={{ .Values.drainDelay }}
{{ include "podreeve.modeArgs" . }}
{{- range .Values.policies }}
{{- if not (include "podreeve.isChanged" (list $ .)) }}
- --policy={{ . }}
{{- end }}
{{- end }}
{{- if include "podreeve.policyFiles" . }}
- --policy=/etc/podreeve/policies
- --last-good-policies={{ include "podreeve.fullname" . }}-last-good
- --rolled-out-policies={{ include "podreeve.policyFilesHash" . }}
{{- end }}
{{- if not (or .Values.policies .Values.policyFiles) }}
- --policy=none
{{- end }}
{{- with .Values.contact }}
- {{ printf "--contact=%s" . | quote }}
{{- end }}
{{- with .Values.docs }}
- {{ printf "--docs=%s" . | quote }}
{{- end }}
{{- if include "podreeve.selfManaged" . }}
- --tls-secret={{ include "podreeve.tlsSecret" . }}
- --service-name={{ include "podreeve.fullname" . }}
{{- else }}
- --tls-cert=/etc/podreeve/tls/tls.crt
- --tls-key=/etc/podreeve/tls/tls.key
{{- if and (eq .Values.tls.mode "existingSecret") (not .Values.tls.caBundle) }}
- --tls-ca=/etc/podreeve/tls/ca.crt
{{- end }}
{{- end }}
{{- if include "podreeve.clientCA" . }}
- --client-ca=/etc/podreeve/client-ca/ca.crt
{{- end }}
- --webhook-configuration={{ include "podreeve.fullname" . }}
- --webhooks=/etc/podreeve/webhooks/webhooks.json
- --deployment={{ include "podreeve.fullname" . }}
{{- if .Values.rbac.nodesConfigz }}
- --kubelet-service-account={{ include "podreeve.kubelets" . }}
{{- end }}
- --leader-election-lease={{ include "podreeve.fullname" . }}
{{- /* What is the default of `serve` too is not said. */}}
{{- if ne .Values.scan.interval "1h" }}
- --scan-interval={{ .Values.scan.interval }}
{{- end }}
{{- if ne .Values.scan.reports "none" }}
- --reports={{ .Values.scan.reports }}
{{- end }}
{{- if .Values.images.enabled }}
- --images=/etc/podreeve/images/document/images.yaml
- --images-files=/etc/podreeve/images
- --images-secret={{ include "podreeve.fullname" . }}-images
- --last-good-images={{ include "podreeve.fullname" . }}-images-last-good
- --rolled-out-images={{ include "podreeve.imagesDocument" .Values.images | sha256sum }}
{{- end }}
{{- if .Values.nodes.enabled }}
- --node-reports
{{- end }}
{{- with .Values.exemptionNamespaces }}
- --exemption-namespaces={{ join "," . }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}
