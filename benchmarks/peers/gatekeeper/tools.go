//go:build tools

// Package tools pins the Gatekeeper that the webhook benchmark runs.
package tools

import _ "github.com/open-policy-agent/gatekeeper/v3"
