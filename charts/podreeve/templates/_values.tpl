{{/*
Every template begins with this. Keys that the values lack get their default: `--reuse-values` after an upgrade of the chart
brings values without the new keys, and `--set KEY=null` takes a key away. Then values that contradict each other are refused.
*/}}
{{- define "podreeve.values" -}}
{{- /* Only `--reuse-values` leaves the key out of an upgrade. Charts without it denied, and an upgrade must not stop that unasked. */ -}}
{{- if and .Release.IsUpgrade (not (hasKey .Values "mode")) }}{{ $_ := set .Values "mode" "deny" }}{{ end -}}
{{- include "podreeve.addDefaults" (list .Values (.Files.Get "files/values.yaml" | fromYaml) "") -}}
{{- include "podreeve.contradictions" . -}}
{{- include "podreeve.checkOverrides" . -}}
{{- include "podreeve.checkImages" . -}}
{{- end -}}

{{- define "podreeve.addDefaults" -}}
{{- $values := index . 0 -}}
{{- $path := index . 2 -}}
{{- /* Maps whose keys are the user's: what was taken out of them, or all of it, does not come back. */ -}}
{{- $whole := list "nodeSelector" "resources" "images.resources" "podSecurityContext" "securityContext" "updateStrategy" "nodes.resources" "nodes.nodeSelector" "grafana.dashboard.labels" "startupProbe" "livenessProbe" "readinessProbe" -}}
{{- range $key, $default := index . 1 -}}
{{- $at := printf "%s%s" $path $key -}}
{{- $value := get $values $key -}}
{{- if or (not (hasKey $values $key)) (kindIs "invalid" $value) -}}
{{- $_ := set $values $key (has $at $whole | ternary dict $default) -}}
{{- else if and (kindIs "map" $default) (kindIs "map" $value) (not (has $at $whole)) -}}
{{- include "podreeve.addDefaults" (list $value $default (printf "%s." $at)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A duration such as 12s, 500ms or 1m in seconds, rounded up. */}}
{{- define "podreeve.seconds" -}}
{{- if hasSuffix "ms" . -}}{{ divf (trimSuffix "ms" .) 1000 | ceil | int }}
{{- else if hasSuffix "s" . -}}{{ trimSuffix "s" . }}
{{- else if hasSuffix "m" . -}}{{ mul (trimSuffix "m" .) 60 }}
{{- else -}}{{ mul (trimSuffix "h" .) 3600 }}{{- end -}}
{{- end -}}

{{- define "podreeve.contradictions" -}}
{{- $v := .Values -}}
{{- $replicas := int (ternary $v.autoscaling.minReplicas $v.replicaCount $v.autoscaling.enabled) -}}
{{- if lt $replicas 1 -}}
{{- fail "replicaCount is 0: no replica would answer the API server. Use 1 or more; `helm uninstall` switches podreeve off" -}}
{{- end -}}
{{- if and $v.autoscaling.enabled (gt (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- fail (printf "autoscaling.minReplicas (%d) is above autoscaling.maxReplicas (%d)" (int $v.autoscaling.minReplicas) (int $v.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- range $key, $registry := dict "image.registry" $v.image.registry "global.imageRegistry" (get (default dict $v.global) "imageRegistry") -}}
{{- if and $registry (or (contains "://" $registry) (not (regexMatch "^[A-Za-z0-9[][A-Za-z0-9.:_/-]*(\\]:?[0-9]*)?[A-Za-z0-9\\]]$|^[A-Za-z0-9]$" $registry))) -}}
{{- fail (printf "%s is %q, and no image can have such a name. Write the host of the registry, with its port and a path if it has them, such as registry.example.com:5000/team: no https:// before it, and no / behind it" $key $registry) -}}
{{- end -}}
{{- end -}}
{{- if not (regexMatch "^([A-Za-z0-9.-]+:[0-9]+/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$" $v.image.repository) -}}
{{- fail (printf "image.repository is %q, and no image can have such a name. Write the path alone, in small letters, such as podreeve/podreeve; image.registry, image.tag and image.digest have the rest" $v.image.repository) -}}
{{- end -}}
{{- if not (regexMatch "^([A-Za-z0-9_][A-Za-z0-9._-]*)?$" $v.image.tag) -}}
{{- fail (printf "image.tag is %q, and no image can have such a tag. A digest belongs into image.digest" $v.image.tag) -}}
{{- end -}}
{{- with $v.podDisruptionBudget -}}
{{- if and .enabled (gt $replicas 1) -}}
{{- $min := toString .minAvailable -}}
{{- $max := kindIs "invalid" .maxUnavailable | ternary "1" (toString .maxUnavailable) -}}
{{- $none := or (eq $max "0") (eq $max "0%") -}}
{{- if kindIs "invalid" .maxUnavailable -}}
{{- $none = or (eq $min "100%") (and (not (hasSuffix "%" $min)) (ge (int $min) $replicas)) -}}
{{- end -}}
{{- if $none -}}
{{- fail (printf "podDisruptionBudget lets none of %d replicas be evicted, so no node with one of them can be drained. Use a minAvailable below %d, or a maxUnavailable above 0" $replicas $replicas) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if ge (int (include "podreeve.seconds" $v.drainDelay)) (int $v.terminationGracePeriodSeconds) -}}
{{- fail (printf "drainDelay (%s) is not shorter than terminationGracePeriodSeconds (%d): the pod would be killed while the API server still calls it. Use a grace period of drainDelay and 30 s more" $v.drainDelay (int $v.terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- if gt (int (include "podreeve.seconds" $v.drainDelay)) 35 -}}
{{- fail (printf "drainDelay (%s) is longer than 35s: with what has begun by then, a replica takes 45 s at most to end" $v.drainDelay) -}}
{{- end -}}
{{- if eq (int $v.ports.https) (int $v.ports.metrics) -}}
{{- fail (printf "ports.https and ports.metrics are both %d, and a pod listens once on a port. Change one of them" (int $v.ports.https)) -}}
{{- end -}}
{{- if eq (int $v.service.port) (int $v.service.metricsPort) -}}
{{- fail (printf "service.port and service.metricsPort are both %d. Change one of them" (int $v.service.port)) -}}
{{- end -}}
{{- with $v.denyAfter -}}
{{- if ne . (toDate "2006-01-02" . | date "2006-01-02") -}}
{{- fail (printf "denyAfter is %s, and there is no such day" .) -}}
{{- end -}}
{{- end -}}
{{- range $v.networkPolicy.apiServerCIDRs -}}
{{- if not (regexMatch "^([0-9]{1,3}(\\.[0-9]{1,3}){3}/([0-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]*:[0-9a-fA-F:.]*/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))$" .) -}}
{{- fail (printf "networkPolicy.apiServerCIDRs has %q, which is no CIDR. Write an address with its prefix length, such as 192.0.2.10/32 or 2001:db8::/64" .) -}}
{{- end -}}
{{- end -}}
{{- if and (eq $v.tls.mode "certManager") (ge (int (include "podreeve.seconds" $v.tls.certManager.renewBefore)) (int (include "podreeve.seconds" $v.tls.certManager.duration))) -}}
{{- fail (printf "tls.certManager.renewBefore (%s) is not shorter than tls.certManager.duration (%s): the certificate would be renewed without end" $v.tls.certManager.renewBefore $v.tls.certManager.duration) -}}
{{- end -}}
{{- $rolling := default dict $v.updateStrategy.rollingUpdate -}}
{{- if and (has (toString (get $rolling "maxUnavailable")) (list "0" "0%")) (has (toString (get $rolling "maxSurge")) (list "0" "0%")) -}}
{{- fail "updateStrategy.rollingUpdate allows neither fewer replicas (maxUnavailable) nor more (maxSurge), so no upgrade could begin" -}}
{{- end -}}
{{- with $v.log.syslog -}}
{{- if and .address (not .secretName) -}}
{{- fail "log.syslog.address needs log.syslog.secretName: a Secret in this namespace with the CA of the receiver's certificate as ca.crt. `kubectl create secret generic NAME --from-file=ca.crt=FILE` makes it" -}}
{{- end -}}
{{- end -}}
{{- if and $v.rbac.nodesConfigz $v.rbac.nodesProxy -}}
{{- fail "rbac.nodesConfigz and rbac.nodesProxy are both true, and one is enough. Leave out nodesProxy, unless pods reach no kubelet" -}}
{{- end -}}
{{- end -}}
