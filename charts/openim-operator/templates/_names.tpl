{{- define "openim-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "openim-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains (include "openim-operator.name" .) .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "openim-operator.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "openim-operator.serviceAccount" -}}
{{- default (ternary (include "openim-operator.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "openim-operator.selector" -}}
app.kubernetes.io/name: {{ include "openim-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "openim-operator.labels" -}}
{{ include "openim-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: openim
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "openim-operator.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* What the operator does with the objects of clusters, in each namespace that it looks after. */ -}}
{{- define "openim-operator.clusterRules" -}}
- apiGroups: [openim.io]
  resources: [openimclusters]
  verbs: [get, list, watch, patch]
- apiGroups: [openim.io]
  resources: [openimtenants]
  verbs: [get, list, watch, patch]
- apiGroups: [openim.io]
  resources: [openimtenantclasses]
  verbs: [get, list, watch]
- apiGroups: [openim.io]
  resources: [openimclusters/status, openimtenants/status]
  verbs: [patch]
# Owner references that hold up a deletion may be set only by who may finalize the owner.
- apiGroups: [openim.io]
  resources: [openimclusters/finalizers]
  verbs: [update]
- apiGroups: ['']
  resources: [configmaps, persistentvolumeclaims, serviceaccounts, services]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [secrets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: ['']
  resources: [pods]
  verbs: [get, list, watch, patch, delete]
- apiGroups: ['']
  resources: [events]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apps]
  resources: [controllerrevisions, deployments, statefulsets]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [networking.k8s.io]
  resources: [ingresses, networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [monitoring.coreos.com]
  resources: [podmonitors, prometheusrules]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
{{- end }}

{{- /* Whether a namespace is being deleted; of all of them also their labels, by which clusters allow tenants. */ -}}
{{- define "openim-operator.namespaceRules" -}}
- apiGroups: ['']
  resources: [namespaces]
  {{- with .Values.watchNamespace }}
  resourceNames: [{{ . }}]
  {{- end }}
  verbs: [{{ if .Values.watchNamespace }}get{{ else }}get, list, watch{{ end }}]
{{- end }}
