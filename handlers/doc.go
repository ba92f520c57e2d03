// Package handlers turns requests for pages and their forms into calls of the
// pipeline's services and answers with HTML. Every noun has its file, its small
// struct and the interfaces it needs of the services; Shell joins them to
// net/http.
//
// A handler reads its input, calls one service and renders, or redirects after a
// form. What it returns as an error becomes a page with a status and a sentence;
// a form that is refused is rendered again with what was typed and the sentence
// beside the field. Nothing acts on GET.
package handlers
