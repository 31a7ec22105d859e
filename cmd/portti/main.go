// Command portti is the gateway and archive of social-welfare documents (HL7 CDA
// over SOAP) and the tools around it. Run `portti help` for its commands.
//
// Exit codes: 0 all well; 1 the thing examined is not valid (findings are
// printed); 2 wrong usage or unreadable input; 3 the system failed.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := NewMain().Run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
