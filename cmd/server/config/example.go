package config

import _ "embed"

//go:embed redrive.example.yaml
var example string

// Example is a commented configuration to start from, valid as it stands. The
// root of the repository has the same file; a test holds them together.
func Example() string { return example }
