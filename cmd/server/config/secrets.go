package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const maxSecret = 64 << 10

// secret reads KEY or the file KEY_file names. What is wrong with it is said
// without showing it.
func (s *section) secret(key string) (secret Secret, given bool) {
	direct, hasDirect := s.get(key)
	file, hasFile := s.get(key + "_file")
	switch {
	case hasDirect && hasFile:
		s.r.mistake(file.line, "keep one of the two", "both %s and %s_file are given", key, key)
		return Secret{}, true
	case hasDirect:
		v, ok := s.r.scalar(key, direct.value)
		if ok && v.text == "" {
			s.r.mistake(v.line, "give the "+key+" or leave the key out", "%s is empty", key)
		}
		s.r.written(v)
		return Secret{v.text}, true
	case hasFile:
		v, ok := s.r.scalar(key+"_file", file.value)
		if !ok {
			return Secret{}, true
		}
		return s.r.secretFile(key+"_file", v), true
	}
	return Secret{}, false
}

// secretLine is where the secret or its file is named.
func (s *section) secretLine(key string) int {
	e, given := s.get(key)
	if !given {
		e, _ = s.get(key + "_file")
	}
	return e.line
}

func (r *reader) secretFile(key string, v scalar) Secret {
	text, err := r.readFile(v.text, maxSecret)
	if err != nil {
		r.mistake(v.line, "name a file this process can read", "%s %s cannot be read: %s", key, quote(v.raw), reason(err))
		return Secret{}
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 {
		r.mistake(v.line, "put the value into it", "%s %s is an empty file", key, quote(v.raw))
	}
	if mode, is := public(r.resolve(v.text)); is {
		r.warn(v.line, "every user of this machine can read %s %s (mode %04o): chmod 600 it", key, quote(v.raw), mode)
	}
	return Secret{string(text)}
}

// readFile reads a file named relative to the folder of the configuration.
func (r *reader) readFile(name string, most int64) ([]byte, error) {
	path := r.resolve(name)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file") // a pipe would never end
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("it is larger than %d bytes", most)
	}
	return text, nil
}

func (r *reader) resolve(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(r.dir, path)
}

// reason says why a file could not be read without repeating its name.
func reason(err error) string {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return strings.ToLower(pe.Err.Error())
	}
	return err.Error()
}
