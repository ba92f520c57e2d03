package handlers

import (
	"net/http"
	"strings"

	"redrive/pipeline"
)

// maxBearer bounds what is taken for a key at all.
const maxBearer = 1024

// unlock asks for the pipeline's ingest key, before anything of the body is read.
// Nothing else opens a pipeline that has keys: no session, no token of the API,
// no key of another pipeline.
func (d Door) unlock(w http.ResponseWriter, r *http.Request) error {
	if d.Opens == nil {
		return nil
	}
	given := r.Header.Values("Authorization")
	if len(given) == 0 {
		w.Header().Set("WWW-Authenticate", `Bearer realm="ingest"`)
		return locked("This pipeline asks for an ingest key; send it as Authorization: Bearer KEY.")
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="ingest", error="invalid_token"`)
	if len(given) > 1 {
		return locked("The header Authorization is sent more than once.")
	}
	scheme, key, _ := strings.Cut(given[0], " ")
	key = strings.Trim(key, " ")
	switch {
	case !strings.EqualFold(scheme, "Bearer") || key == "" || len(key) > maxBearer:
		return locked("The header Authorization is not Bearer and an ingest key.")
	case !d.Opens(key):
		return locked("The key in the header Authorization is none of this pipeline's ingest keys.")
	}
	w.Header().Del("WWW-Authenticate")
	return nil
}

func locked(text string) error { return &pipeline.Error{Code: pipeline.CodeUnsigned, Text: text} }
