// Package chart makes the files that are generated from charts/podreeve, and its tests hold the chart to what it promises.
//
// values.yaml is the source of the README: the comment above a key is its description. deploy/install.yaml is what the
// chart renders without any value set. `make gen` writes them, the tests compare them.
package chart
