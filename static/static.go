// Package static holds the console's style sheets, scripts and icons and serves
// them under URLs that carry a hash of their content, so that a browser may keep
// them for ever and never shows an old one.
package static

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed css/*.css js/*.js *.svg
var files embed.FS

// Assets are the embedded files under their hashed names. It never changes after
// New and may be shared.
type Assets struct {
	urls  map[string]string // "css/console.css" -> "static/css/console.3fa9c1d2.css"
	files map[string]asset  // "/static/css/console.3fa9c1d2.css" -> its content
}

type asset struct {
	name    string
	content []byte
}

// New hashes every embedded file once.
func New() *Assets {
	a := &Assets{urls: map[string]string{}, files: map[string]asset{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		a.urls[name] = "static/" + hashed(name, content)
		a.files["/"+a.urls[name]] = asset{name: name, content: content}
		return nil
	})
	if err != nil {
		panic(fmt.Sprintf("static: read embedded files: %v", err)) // they are part of the program
	}
	return a
}

// URL is where a file is served, relative to the console's base path:
// "css/console.css" gives "static/css/console.3fa9c1d2.css". A name that is not
// embedded is a mistake in a template and gives a URL that answers 404.
func (a *Assets) URL(name string) string {
	if url, ok := a.urls[name]; ok {
		return url
	}
	return "static/unknown/" + name
}

// Handler serves the files at /static/; the base path is taken off before. What
// is not there is answered by missing.
func (a *Assets) Handler(missing http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := a.files[r.URL.Path]
		if !ok {
			missing(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Only GET and HEAD are possible here.", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType(file.name))
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, file.name, time.Time{}, bytes.NewReader(file.content))
	})
}

func hashed(name string, content []byte) string {
	sum := sha256.Sum256(content)
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:4]) + ext
}

// contentType does not ask the system's table of types, which differs between machines.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return "application/octet-stream"
	}
}
