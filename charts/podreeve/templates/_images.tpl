{{/* The settings of images, as `serve --images` reads them. */}}
{{- define "podreeve.imagesDocument" -}}
{{- $document := dict "registries" .registries "trust" .trust "layers" .layers -}}
{{- range $key := list "onUnknown" "onUnavailable" "credentialProviders" -}}
{{- with get $ $key }}{{ $_ := set $document $key . }}{{ end -}}
{{- end -}}
{{- if .vulnerabilityReports }}{{ $_ := set $document "vulnerabilityReports" true }}{{ end -}}
{{- if .pullSecrets.enabled }}{{ $_ := set $document "pullSecrets" .pullSecrets }}{{ end -}}
{{- toYaml $document -}}
{{- end -}}

{{/* The names of Secrets or ConfigMaps under this key, at any depth, one a line. */}}
{{- define "podreeve.namesUnder" -}}
{{- $wanted := index . 0 -}}
{{- $value := index . 1 -}}
{{- if kindIs "map" $value -}}
{{- range $key, $inner := $value }}
{{- if and (eq $key $wanted) (kindIs "string" $inner) }}
{{ $inner }}
{{- else }}
{{- include "podreeve.namesUnder" (list $wanted $inner) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" $value -}}
{{- range $value }}
{{- include "podreeve.namesUnder" (list $wanted .) }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The Secrets and ConfigMaps that the settings of images name, as JSON: kind, name, and where the pod has them. */}}
{{- define "podreeve.imageFiles" -}}
{{- $files := list -}}
{{- $images := dict "registries" .Values.images.registries "trust" .Values.images.trust -}}
{{- range $folder, $key := dict "secrets" "pullSecret" "configmaps" "configMap" -}}
{{- range $index, $name := include "podreeve.namesUnder" (list $key $images) | splitList "\n" | compact | uniq | sortAlpha -}}
{{- $files = append $files (dict "folder" $folder "name" $name "volume" (printf "images-%s-%d" $folder $index)) -}}
{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}

{{- define "podreeve.imageVolumes" -}}
- name: images
  configMap:
    name: {{ include "podreeve.fullname" . }}-images
    {{- /* Optional: without it the document that loaded last counts. */}}
    optional: true
{{- range include "podreeve.imageFiles" . | fromJsonArray }}
- name: {{ .volume }}
  {{- /* Optional: without it podreeve starts, and /readyz says what is missing. */}}
  {{- if eq .folder "secrets" }}
  secret:
    secretName: {{ .name }}
    defaultMode: 0440
    optional: true
  {{- else }}
  configMap:
    name: {{ .name }}
    optional: true
  {{- end }}
{{- end }}
{{- end -}}

{{- define "podreeve.imageMounts" -}}
- name: images
  mountPath: /etc/podreeve/images/document
  readOnly: true
{{- range include "podreeve.imageFiles" . | fromJsonArray }}
- name: {{ .volume }}
  mountPath: /etc/podreeve/images/{{ .folder }}/{{ .name }}
  readOnly: true
{{- end }}
{{- end -}}

{{/* The resources of the pods. */}}
{{- define "podreeve.resources" -}}
{{- $resources := deepCopy .Values.resources -}}
{{- if .Values.images.enabled }}{{ $resources = mergeOverwrite $resources (deepCopy .Values.images.resources) }}{{ end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* Without addresses the pods would reach no registry, and every image would be unknown. */}}
{{- define "podreeve.checkImages" -}}
{{- with .Values.images -}}
{{- if and .enabled (not .registries) -}}
{{- fail "images.enabled needs images.registries: podreeve reads from no registry that is not listed" -}}
{{- end -}}
{{- if .enabled -}}
{{- if contains "PRIVATE KEY-----" (toJson (list .registries .trust)) -}}
{{- fail "images has a private key. Everyone who may read the release could sign with it, so regard it as known to others and make a new one. Name the public key (cosign public-key --key cosign.key)" -}}
{{- end -}}
{{- range include "podreeve.namesUnder" (list "file" .trust) | splitList "\n" | compact -}}
{{- fail (printf "images.trust names the file %s, which the pods do not have: put it into a ConfigMap in podreeve's namespace and name that (configMap), or write its text (pem)" .) -}}
{{- end -}}
{{- /* values.schema.json has the grammar of a prefix. This is what podreeve refuses beyond that. */ -}}
{{- range $list, $entries := dict "registries" .registries "trust" .trust -}}
{{- $first := dict -}}
{{- range $index, $entry := $entries -}}
{{- $at := printf "images.%s[%d].prefix" $list $index -}}
{{- if hasKey $first $entry.prefix -}}
{{- fail (printf "%s: %q is that of images.%s[%d], too. Write one entry" $at $entry.prefix $list (get $first $entry.prefix)) -}}
{{- end -}}
{{- $_ := set $first $entry.prefix (int $index) -}}
{{- $host := splitList "/" $entry.prefix | first -}}
{{- if eq $list "registries" -}}
{{- if has $host (list "index.docker.io" "registry-1.docker.io" "registry.hub.docker.com") -}}
{{- fail (printf "%s: %q has another name in references: write docker.io" $at $entry.prefix) -}}
{{- else if hasSuffix ":443" $host -}}
{{- fail (printf "%s: %q has the port that is meant without one; leave it out" $at $entry.prefix) -}}
{{- else if hasPrefix "169.254." $host -}}
{{- fail (printf "%s: podreeve never contacts %q: link-local addresses belong to the metadata services of clouds" $at $entry.prefix) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .enabled $.Values.networkPolicy.enabled (not .egress) (not $.Values.hostNetwork) -}}
{{- $open := ternary "" (printf "Without networkPolicy.apiServerCIDRs, every address is open on the ports %s already. " (join " and " $.Values.networkPolicy.apiServerPorts)) (not (empty $.Values.networkPolicy.apiServerCIDRs)) -}}
{{- fail (printf "images.enabled needs images.egress, the addresses of the registries: with networkPolicy.enabled the pods reach what the values name, and a NetworkPolicy knows no names of hosts. %sFor any address on port 443 write [{ports: [{port: 443}]}]" $open) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The Secrets and ConfigMaps that the settings of images name and that do not exist. Nothing where Helm asks no cluster, which it shows by finding
no namespace `default`.
*/}}
{{- define "podreeve.missingImageFiles" -}}
{{- $missing := list -}}
{{- if and .Values.images.enabled (lookup "v1" "Namespace" "" "default") -}}
{{- range include "podreeve.imageFiles" . | fromJsonArray -}}
{{- $kind := ternary "Secret" "ConfigMap" (eq .folder "secrets") -}}
{{- if not (lookup "v1" $kind $.Release.Namespace .name) -}}
{{- $missing = append $missing (printf "%s %s" $kind .name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join ", " $missing -}}
{{- end -}}
