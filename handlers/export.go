package handlers

import (
	"encoding/csv"
	"net/http"
	"time"
)

// attach makes the answer a file. The time in its name is when it was asked for.
func attach(w http.ResponseWriter, noun, extension, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="redrive-`+noun+"-"+time.Now().UTC().Format("20060102-150405")+"."+extension+`"`)
	h.Set("Cache-Control", "private, no-store")
}

// cells writes a line of CSV. A cell that a spreadsheet would run as a formula is
// made a text.
func cells(w *csv.Writer, line ...string) error {
	for i, cell := range line {
		line[i] = inert(cell)
	}
	return w.Write(line)
}

func inert(cell string) string {
	if cell == "" {
		return cell
	}
	switch cell[0] {
	case '=', '+', '-', '@', '\t', '\r':
		return "'" + cell
	default:
		return cell
	}
}
