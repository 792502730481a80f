//go:build tools

// Package tools pins the Kyverno that the webhook benchmark runs.
package tools

import _ "github.com/kyverno/kyverno/cmd/kyverno"
