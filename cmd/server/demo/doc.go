// Package demo is what a newcomer sees without a configuration: a sample
// pipeline, real webhook deliveries sent into it at a human pace, and a flaky
// downstream, all inside the process.
package demo
