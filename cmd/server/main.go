// Command server is Redrive: the console, the intake and the workers in one
// process.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], terminal{out: os.Stdout, err: os.Stderr, in: os.Stdin, asks: isTerminal(os.Stdin), env: lookupEnv}))
}
