//go:build tools

// Package tools pins the Open Policy Agent that the webhook benchmark runs.
package tools

import _ "github.com/open-policy-agent/opa"
