{{/* The built-in policies that `policyOverrides` and `exemptions` change, each as a file that extends it. */}}
{{- define "podreeve.builtInFiles" -}}
{{- range $policy := .Values.policies }}
{{- if include "podreeve.isChanged" (list $ $policy) }}
{{- $name := $policy | splitList "@" | first }}
{{- $override := default dict (get $.Values.policyOverrides $name) }}
{{- $spec := mergeOverwrite (dict) (deepCopy $override) (dict "extends" $policy) }}
{{- with concat (default list (get $override "exemptions")) $.Values.exemptions (include "podreeve.nodesExemption" $ | fromYamlArray) }}
{{- $_ := set $spec "exemptions" . }}
{{- end }}
built-in-{{ $policy | replace "@" "-" }}.yaml: |-
  {{- toYaml (dict "apiVersion" "podreeve.dev/v1alpha1" "kind" "Policy" "metadata" (dict "name" $name) "spec" $spec) | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
The agents mount the host's / and have one capability, which the policies deny to every other pod: this container, in this namespace, of
this image.
*/}}
{{- define "podreeve.nodesExemption" -}}
{{- if .Values.nodes.enabled -}}
- rules: [host-path, runtime-socket, host-devices, capabilities]
  namespaces: [{{ .Release.Namespace }}]
  containers: [podreeve-node]
  images: [{{ include "podreeve.imageRepository" . }}]
  reason: The agent of podreeve reads the host's files, read-only; it refuses to run where it could do more
{{- else -}}
[]
{{- end -}}
{{- end -}}

{{/* Whether the values change this entry of `policies`. */}}
{{- define "podreeve.isChanged" -}}
{{- $ := index . 0 -}}
{{- $name := index . 1 | splitList "@" | first -}}
{{- $known := $.Files.Get "files/built-in.yaml" | fromYaml -}}
{{- if and (has $name $known.policies) (or (get $.Values.policyOverrides $name) $.Values.exemptions $.Values.nodes.enabled) }}true{{ end -}}
{{- end -}}

{{/* For errors: the name that was probably meant, by the pairs of letters that it shares. */}}
{{- define "podreeve.nearest" -}}
{{- $given := index . 0 -}}
{{- $best := "" -}}
{{- $most := 39 -}}
{{- range $name := index . 1 -}}
{{- $same := 0 -}}
{{- range $at := until (int (max 1 (sub (len $given) 1))) -}}
{{- if contains (substr $at (int (add $at 2)) $given) $name -}}{{- $same = add $same 1 -}}{{- end -}}
{{- end -}}
{{- $likeness := div (mul 200 $same) (max 1 (sub (add (len $given) (len $name)) 2)) -}}
{{- if gt (int $likeness) (int $most) -}}{{- $most = $likeness -}}{{- $best = $name -}}{{- end -}}
{{- end -}}
{{- if $best }}; did you mean {{ $best }}?{{ else }}.{{ end -}}
{{- end -}}

{{/* Refuses what podreeve would refuse later, when the pods start. */}}
{{- define "podreeve.checkOverrides" -}}
{{- $known := .Files.Get "files/built-in.yaml" | fromYaml -}}
{{- $served := list -}}
{{- range .Values.policies -}}{{- $served = append $served (. | splitList "@" | first) -}}{{- end -}}
{{- $builtIn := false -}}
{{- range $known.policies -}}{{- $builtIn = or $builtIn (has . $served) -}}{{- end -}}
{{- if and .Values.exemptions (not $builtIn) -}}
{{- fail "exemptions exempts from the built-in policies, and `policies` names none. Write the exemptions into your own policies" -}}
{{- end -}}
{{- /* A path is a file or a folder of `extraVolumes`. */ -}}
{{- range $served -}}
{{- if not (or (has . $known.policies) (regexMatch "[/.]" .) (eq . "none")) -}}
{{- fail (printf "policies has %s, which is no built-in policy%s They are %s" . (include "podreeve.nearest" (list . $known.policies)) (join ", " $known.policies)) -}}
{{- end -}}
{{- end -}}
{{- include "podreeve.checkExemptions" (list "exemptions" .Values.exemptions $known) -}}
{{- range $policy, $override := .Values.policyOverrides -}}
{{- $at := printf "policyOverrides.%s" $policy -}}
{{- if not (has $policy $known.policies) -}}
{{- fail (printf "policyOverrides has %s, which is no built-in policy%s They are %s" $policy (include "podreeve.nearest" (list $policy $known.policies)) (join ", " $known.policies)) -}}
{{- end -}}
{{- if not (has $policy $served) -}}
{{- fail (printf "%s changes a policy that `policies` does not name, so it would change nothing. Add %s to `policies`" $at $policy) -}}
{{- end -}}
{{- range $key, $_ := $override -}}
{{- if not (has $key $known.keys) -}}
{{- fail (printf "%s has %s, which is no key of a policy%s They are %s" $at $key (include "podreeve.nearest" (list $key $known.keys)) (join ", " $known.keys)) -}}
{{- end -}}
{{- end -}}
{{- include "podreeve.checkExemptions" (list (printf "%s.exemptions" $at) $override.exemptions $known) -}}
{{- range $id, $setting := $override.rules -}}
{{- include "podreeve.checkRule" (list (printf "%s.rules" $at) $id $setting $known) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "podreeve.checkExemptions" -}}
{{- $at := index . 0 -}}
{{- $ids := index . 2 | dig "rules" dict | keys | sortAlpha -}}
{{- range $index, $exemption := index . 1 -}}
{{- range $id := $exemption.rules -}}
{{- if not (has $id $ids) -}}
{{- fail (printf "%s[%d].rules has %s, which is no rule%s `podreeve rules` lists them" $at $index $id (include "podreeve.nearest" (list $id $ids))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "podreeve.checkRule" -}}
{{- $at := index . 0 -}}
{{- $id := index . 1 -}}
{{- $setting := index . 2 -}}
{{- $known := index . 3 -}}
{{- if not (hasKey $known.rules $id) -}}
{{- fail (printf "%s has %s, which is no rule%s `podreeve rules` lists them" $at $id (include "podreeve.nearest" (list $id (keys $known.rules | sortAlpha)))) -}}
{{- end -}}
{{- range $key, $value := $setting -}}
{{- if not (has $key (list "action" "params")) -}}
{{- fail (printf "%s.%s has %s, which is no key of a rule%s They are action, params" $at $id $key (include "podreeve.nearest" (list $key (list "action" "params")))) -}}
{{- end -}}
{{- /* `off` without quotes is false. */}}
{{- if and (eq $key "action") (ne (toString $value) "false") (not (has $value $known.actions)) -}}
{{- fail (printf "%s.%s.action is %v, which is no action%s They are %s" $at $id $value (include "podreeve.nearest" (list (toString $value) $known.actions)) (join ", " $known.actions)) -}}
{{- end -}}
{{- end -}}
{{- $params := get $known.rules $id -}}
{{- range $param, $_ := default dict (get $setting "params") -}}
{{- if not (has $param $params) -}}
{{- fail (printf "%s.%s.params has %s, which is no parameter of this rule%s It has %s" $at $id $param (include "podreeve.nearest" (list $param $params)) (default "none" (join ", " $params))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
