package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const repository = "../.." // seen from this folder, where its tests run

// A sourceFolder is a folder with Go files, named by its slashed path from the
// top of the repository.
type sourceFolder struct {
	name        string
	code, tests []sourceFile
}

type sourceFile struct {
	name   string
	syntax *ast.File
}

// readFolders reads the files themselves and does not ask the go command, which
// leaves out those of other systems.
func readFolders(t *testing.T) []sourceFolder {
	t.Helper()
	var folders []sourceFolder
	err := filepath.WalkDir(repository, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if base := d.Name(); name != repository && (strings.HasPrefix(base, ".") || base == "testdata" || base == "data") {
			return filepath.SkipDir
		}
		folder, err := readFolder(name)
		if len(folder.code)+len(folder.tests) > 0 {
			folders = append(folders, folder)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) == 0 {
		t.Fatal("found no Go files")
	}
	return folders
}

func readFolder(name string) (sourceFolder, error) {
	relative, err := filepath.Rel(repository, name)
	if err != nil {
		return sourceFolder{}, err
	}
	folder := sourceFolder{name: filepath.ToSlash(relative)}
	files, err := filepath.Glob(filepath.Join(name, "*.go"))
	if err != nil {
		return folder, err
	}
	for _, f := range files {
		syntax, err := parser.ParseFile(token.NewFileSet(), f, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return folder, err
		}
		file := sourceFile{name: path.Join(folder.name, filepath.Base(f)), syntax: syntax}
		if strings.HasSuffix(f, "_test.go") {
			folder.tests = append(folder.tests, file)
		} else {
			folder.code = append(folder.code, file)
		}
	}
	return folder, nil
}
