package handlers

import (
	"encoding/csv"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"redrive/views"
)

// attach makes the answer a file. The time in its name is when it was asked for.
func attach(w http.ResponseWriter, noun, extension, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="redrive-`+noun+"-"+time.Now().UTC().Format("20060102-150405")+"."+extension+`"`)
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// asked is the filter of an export as its address says it, for the audit.
func asked(r *http.Request) map[string]string {
	filter := map[string]string{}
	for name, values := range r.URL.Query() {
		if len(filter) < 16 && len(name) <= 32 {
			filter[name] = views.Clip(values[0], 300)
		}
	}
	return filter
}

// cells writes a line of CSV. A cell that a spreadsheet would run as a formula is
// made a text, also where it begins with blanks or marks that a spreadsheet skips.
func cells(w *csv.Writer, line ...string) error {
	for i, cell := range line {
		line[i] = inert(cell)
	}
	return w.Write(line)
}

func inert(cell string) string {
	cell = strings.ReplaceAll(strings.ToValidUTF8(cell, "�"), "\x00", "")
	shown := strings.TrimLeftFunc(cell, func(c rune) bool { return unicode.IsSpace(c) || unicode.In(c, unicode.Cc, unicode.Cf) })
	first, _ := utf8.DecodeRuneInString(shown)
	if shown != "" && strings.ContainsRune("=+-@＝＋－＠", first) || strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") {
		return "'" + cell
	}
	return cell
}
