// Package logs serves those who answer for the usage and disclosure logs (LOG-1 to
// LOG-6): it supplies entries to the controller's data protection officer as text, CSV
// or JSON lines, encrypted for the recipient where that is asked, and looks for
// unusual use by rules that are data.
//
// Supplying and looking are uses of data themselves: their own log row is durable
// before the first entry leaves.
//
// What the law says of supplying to a client (law 703/2023, section 11) comes as
// hints: logs of the last two years, within two months, free of charge.
package logs
