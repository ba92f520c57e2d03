package config

import "path/filepath"

// Overrides are the settings of the command line that win over the file. An
// empty text leaves a setting as it is.
type Overrides struct {
	Listen    string // --listen
	Data      string // --data: the folder of the embedded backend
	BasePath  string // --base-path
	LogFormat string // --log-format
	Only      string // --only: console or workers
}

// WithEnv fills what no flag gave from REDRIVE_LISTEN, REDRIVE_DATA,
// REDRIVE_BASE_PATH, REDRIVE_LOG_FORMAT and REDRIVE_ONLY.
func (o Overrides) WithEnv(env Env) Overrides {
	env = orProcess(env)
	for name, field := range map[string]*string{
		"REDRIVE_LISTEN":     &o.Listen,
		"REDRIVE_DATA":       &o.Data,
		"REDRIVE_BASE_PATH":  &o.BasePath,
		"REDRIVE_LOG_FORMAT": &o.LogFormat,
		"REDRIVE_ONLY":       &o.Only,
	} {
		if value, set := env(name); set && *field == "" {
			*field = value
		}
	}
	return o
}

// override replaces a value of the file by one of the command line, judged by
// the same rules.
func override[T any](r *reader, flag, text string, value T, into parse[T]) T {
	if text == "" {
		return value
	}
	given, f := into(text)
	if f != nil {
		r.mistakeAt(flag, quote(text)+" "+f.wrong, f.right)
		return value
	}
	return given
}

func (r *reader) mistakeAt(flag, wrong, right string) {
	r.mistakes = append(r.mistakes, Mistake{File: flag, Wrong: wrong, Right: right})
}

func (r *reader) override(c *Config) {
	c.Listen = override(r, "--listen", r.over.Listen, c.Listen, address)
	c.BasePath = override(r, "--base-path", r.over.BasePath, c.BasePath, basePath)
	c.LogFormat = override(r, "--log-format", r.over.LogFormat, c.LogFormat, oneOf("text", "json"))
	if r.over.Data != "" {
		c.Embedded.Path = filepath.Clean(r.over.Data)
	}
	c.Only = override(r, "--only", r.over.Only, "", oneOf("console", "workers"))
	if c.Only != "" && r.backend == "embedded" {
		r.mistakeAt("--only", quote(c.Only)+" needs backend: aws", "leave it out: with the embedded backend one process does everything")
	}
}
