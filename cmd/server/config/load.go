package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

const maxFile = 1 << 20

// Env looks up an environment variable; nil stands for os.LookupEnv.
type Env = func(name string) (value string, set bool)

// orProcess lets nil stand for the environment of this process.
func orProcess(env Env) Env {
	if env == nil {
		return os.LookupEnv
	}
	return env
}

// Load reads the configuration at path. With mistakes, all of them in the order
// of their lines, the Config is nil. Relative paths in the file start at its
// folder, Overrides.Data at the working directory.
func Load(path string, over Overrides, env Env) (*Config, []Mistake) {
	r := &reader{file: path}
	text, err := r.readFile(path, maxFile)
	if err != nil {
		return nil, []Mistake{{path, 1, "the configuration cannot be read: " + reason(err), "name a file this process can read; `server init` prints one to start from"}}
	}
	return parseText(path, text, over, env, true)
}

// Parse is Load for a text that is already at hand; path is what mistakes call
// it, and its folder is where relative paths start.
func Parse(path string, text []byte, over Overrides, env Env) (*Config, []Mistake) {
	return parseText(path, text, over, env, false)
}

// parseText is Parse; onDisk says that the text was just read from path.
func parseText(path string, text []byte, over Overrides, env Env, onDisk bool) (*Config, []Mistake) {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, []Mistake{{path, 1, "the folder of the configuration is not known: " + err.Error(), "name it with an absolute path"}}
	}
	r := &reader{file: path, dir: dir, env: orProcess(env), over: over}
	body, ok := r.parse(text)
	if !ok {
		return nil, r.mistakes
	}
	c := r.config(r.section("configuration", 1, body))
	if len(r.mistakes) > 0 {
		return nil, inOrder(r.mistakes)
	}
	if onDisk {
		r.warnMode(path)
	}
	c.Warnings = r.warnings
	return c, nil
}

// parse builds the syntax tree of the one document a file may hold.
func (r *reader) parse(text []byte) (ast.Node, bool) {
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	file, err := tree(text)
	if syntax, ok := errors.AsType[*yaml.SyntaxError](err); ok {
		line := 1
		if syntax.Token != nil && syntax.Token.Position != nil {
			line = max(1, syntax.Token.Position.Line)
		}
		r.mistake(line, "check the indentation, quotes and brackets there", "this is not YAML: %s", syntax.Message)
		return nil, false
	}
	if err != nil {
		r.mistake(1, "check its indentation, quotes and brackets", "this is not YAML: %v", err)
		return nil, false
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if body != nil {
			r.mistake(lineOf(doc.Body), "keep one", "there is a second document in the file")
			break
		}
		body = doc.Body
	}
	return body, true
}

// tree parses the text. The parser has panicked on broken input before; to the
// person at the terminal that is a broken file like any other.
func tree(text []byte) (file *ast.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser gave up: %v", p)
		}
	}()
	return parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
}
