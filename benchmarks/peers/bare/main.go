// Command bare is the least that an admission webhook in Go can do: it parses an AdmissionReview
// with the standard library and answers it. It has no policy, asks no clock and records nothing;
// it refuses what concerns a namespace whose name begins with -refuse.
package main

import (
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"strings"
)

const maxBodyBytes = 7 << 20

// review has the fields of admission.k8s.io/v1 AdmissionReview that this program reads; the two
// objects stay text, as they do in Kubernetes' own Go type.
type review struct {
	APIVersion string    `json:"apiVersion"`
	Kind       string    `json:"kind"`
	Request    *request  `json:"request,omitempty"`
	Response   *response `json:"response,omitempty"`
}

type groupVersionName struct {
	Group    string `json:"group"`
	Version  string `json:"version"`
	Kind     string `json:"kind,omitempty"`
	Resource string `json:"resource,omitempty"`
}

type request struct {
	UID         string           `json:"uid"`
	Kind        groupVersionName `json:"kind"`
	Resource    groupVersionName `json:"resource"`
	SubResource string           `json:"subResource"`
	Name        string           `json:"name"`
	Namespace   string           `json:"namespace"`
	Operation   string           `json:"operation"`
	UserInfo    struct {
		Username string              `json:"username"`
		Groups   []string            `json:"groups"`
		Extra    map[string][]string `json:"extra"`
	} `json:"userInfo"`
	Object    json.RawMessage `json:"object"`
	OldObject json.RawMessage `json:"oldObject"`
	DryRun    *bool           `json:"dryRun"`
}

type response struct {
	UID     string  `json:"uid"`
	Allowed bool    `json:"allowed"`
	Status  *status `json:"status,omitempty"`
}

type status struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

func answer(asked *request, refused string) *response {
	given := &response{UID: asked.UID, Allowed: true}
	if strings.HasPrefix(asked.Namespace, refused) {
		given.Allowed = false
		given.Status = &status{http.StatusForbidden, "Forbidden", "refused: " + asked.Namespace}
	}
	return given
}

func handler(refused string) http.HandlerFunc {
	return func(writer http.ResponseWriter, received *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(writer, received.Body, maxBodyBytes))
		if err != nil {
			http.Error(writer, err.Error(), http.StatusBadRequest)
			return
		}
		var asked review
		if err := json.Unmarshal(body, &asked); err != nil || asked.Request == nil {
			http.Error(writer, "no AdmissionReview", http.StatusBadRequest)
			return
		}
		told, err := json.Marshal(review{
			APIVersion: asked.APIVersion,
			Kind:       asked.Kind,
			Response:   answer(asked.Request, refused),
		})
		if err != nil {
			http.Error(writer, err.Error(), http.StatusInternalServerError)
			return
		}
		writer.Header().Set("Content-Type", "application/json")
		_, _ = writer.Write(told)
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8443", "address")
	certificate := flag.String("tls-cert", "tls.crt", "certificate chain (PEM)")
	key := flag.String("tls-key", "tls.key", "its private key (PEM)")
	refused := flag.String("refuse", "frozen", "beginning of the namespaces that are refused")
	flag.Parse()
	http.HandleFunc("POST /validate", handler(*refused))
	log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, nil))
}
