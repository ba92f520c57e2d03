package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"redrive/pipeline/redact"
)

// Mistake is one thing that keeps a configuration from being used.
type Mistake struct {
	File  string // the file, or the flag the value came from
	Line  int    // from 1; 0 where there is no line
	Wrong string // what is wrong
	Right string // what would be right
}

// String gives `FILE:LINE: what is wrong, what would be right`.
func (m Mistake) String() string {
	return at(m.File, m.Line) + m.Wrong + ", " + m.Right
}

// Warning is worth reading but keeps nothing from starting.
type Warning struct {
	File string
	Line int
	Text string
}

// String gives `FILE:LINE: text`.
func (w Warning) String() string { return at(w.File, w.Line) + w.Text }

func at(file string, line int) string {
	if line == 0 {
		return file + ": "
	}
	return fmt.Sprintf("%s:%d: ", file, line)
}

// mistake notes what is wrong on a line and what would be right there. An
// address that it quotes may have a password in it.
func (r *reader) mistake(line int, right, wrong string, args ...any) {
	for i, arg := range args {
		if text, ok := arg.(string); ok && strings.Contains(text, "://") {
			args[i] = redact.Text(text)
		}
	}
	r.mistakes = append(r.mistakes, Mistake{r.file, line, fmt.Sprintf(wrong, args...), right})
}

func (r *reader) warn(line int, text string, args ...any) {
	r.warnings = append(r.warnings, Warning{r.file, line, fmt.Sprintf(text, args...)})
}

// inOrder sorts by line, so that a file is mended from the top down. What came
// from the command line has no line and stays first.
func inOrder(ms []Mistake) []Mistake {
	slices.SortStableFunc(ms, func(a, b Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return ms
}
