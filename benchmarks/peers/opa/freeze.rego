# The freeze of the webhook benchmark, for `opa run --server` and its default decision.
# data.freeze: {"zone": "Europe/London", "days": {"frozen": ["Saturday"], "open": ["Tuesday"]}};
# namespaces begin with one of the keys of `days`.
package system

main := {
	"apiVersion": "admission.k8s.io/v1",
	"kind": "AdmissionReview",
	"response": response,
}

response := object.union({"uid": input.request.uid}, answer)

default answer := {"allowed": true}

answer := {
	"allowed": false,
	"status": {"code": 403, "reason": "Forbidden", "message": message},
} if {
	some prefix, days in data.freeze.days
	startswith(input.request.namespace, prefix)
	today in days
	governed[input.request.kind.kind]
}

today := time.weekday([time.now_ns(), data.freeze.zone])

governed := {"Deployment", "StatefulSet", "DaemonSet"}

message := sprintf("%s %s/%s: nothing is deployed on a %s in %s", [
	input.request.operation, input.request.namespace, input.request.name, today, data.freeze.zone,
])
