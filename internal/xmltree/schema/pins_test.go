package schema

import (
	"os"
	"runtime"
	"testing"
)

// TestMain looks, when the tests have run, for memory that was left pinned: the runtime
// panics where it finds a pinner with pins that nobody holds any more.
func TestMain(m *testing.M) {
	code := m.Run()
	for range 3 { // what a pool keeps is free after the second collection
		runtime.GC()
		done := make(chan struct{})
		runtime.SetFinalizer(new([64]*byte), func(*[64]*byte) { close(done) })
		runtime.GC()
		<-done // finalizers run one after another
	}
	os.Exit(code)
}
