// Package embed tests what its folders have: programs of other projects with flow logs. docs/embedding.md shows what each
// of them needed. The tests run only if NETLOG_EMBED is set.
package embed
