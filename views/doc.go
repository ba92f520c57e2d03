// Package views renders the console: typed properties in, HTML out. It knows the
// pipeline's nouns and where the static files lie, and nothing of requests,
// stores or handlers. No page carries an inline script or an inline style;
// geometry that depends on data is written as SVG attributes.
package views
