package config

import (
	"io/fs"
	"os"
	"runtime"
	"strings"
)

// public answers the mode of a file that every user of this machine can read.
// Windows keeps such rights elsewhere and makes a mode up.
func public(path string) (mode fs.FileMode, is bool) {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return 0, false
	}
	return info.Mode().Perm(), info.Mode().Perm()&0o004 != 0
}

// written notes where the file itself holds a secret, not the name of a variable.
func (r *reader) written(v scalar) {
	if r.secretAt == 0 && v.text != "" && !strings.Contains(v.raw, "${") {
		r.secretAt = v.line
	}
}

// warnMode warns of secrets in a configuration that everybody can read.
func (r *reader) warnMode(path string) {
	if mode, is := public(path); is && r.secretAt > 0 {
		r.warn(r.secretAt, "there is a secret here, and every user of this machine can read the file (mode %04o): chmod 600 it, or bring secrets in with ${NAME} or <key>_file", mode)
	}
}
