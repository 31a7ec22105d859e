package gateway

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portti/fixtures"
	"portti/internal/judge"
)

// Clients that we did not write speak to the door by the WSDL that it serves.

// debianPython is Debian's own Python, which has python3-zeep.
const debianPython = "/usr/bin/python3"

func needZeep(t *testing.T) {
	t.Helper()
	if err := exec.Command(debianPython, "-c", "import zeep").Run(); err != nil {
		judge.Missing(t, "zeep is not installed (Debian: python3-zeep)")
	}
}

func needPHP(t *testing.T) {
	t.Helper()
	if err := exec.Command(judge.Need(t, "php"), "-r", "exit(class_exists('SoapClient') ? 0 : 1);").Run(); err != nil {
		judge.Missing(t, "PHP has no SoapClient (Debian: php-soap)")
	}
}

// frameFile writes a frame for a client to send.
func frameFile(t *testing.T, frame []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "frame.xml")
	if err := os.WriteFile(name, frame, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestZeepSpeaksToTheDoor(t *testing.T) {
	needZeep(t)
	g := start(t, nil)
	for i, port := range []string{"ArchiveSoap11", "ArchiveSoap12"} {
		d := world().Documents[i]
		got := run(t, debianPython, "testdata/zeep_send.py", g.URL+"/soap?wsdl", port, frameFile(t, world().Frame(d)))
		if got != "CA" {
			t.Errorf("%s: %s", port, got)
		}
		if !bytes.Equal(g.served(d.OID), d.Bytes) {
			t.Errorf("%s: other bytes came back", port)
		}
	}
}

func TestPHPSpeaksToTheDoor(t *testing.T) {
	needPHP(t)
	g := start(t, nil)
	for i, version := range []string{"1.1", "1.2"} {
		d := world().Documents[i]
		got := run(t, "php", "testdata/php_send.php", g.URL+"/soap?wsdl", frameFile(t, world().Frame(d)), version)
		if got != "CA" {
			t.Errorf("SOAP %s: %s", version, got)
		}
		if !bytes.Equal(g.served(d.OID), d.Bytes) {
			t.Errorf("SOAP %s: other bytes came back", version)
		}
	}
}

func TestThirdPartyClientsUnderstandRefusalsAndFaults(t *testing.T) {
	needZeep(t)
	needPHP(t)
	g := start(t, nil)
	d := world().Documents[0]
	broken, err := world().Mutate(d, fixtures.BrokenBodyDigest)
	if err != nil {
		t.Fatal(err)
	}
	frame := world().Frame(d)
	i := bytes.Index(frame, []byte("<id "))
	j := i + bytes.Index(frame[i:], []byte("/>")) + 2
	for name, c := range map[string]struct {
		frame []byte
		want  string
	}{
		"refused": {world().Frame(broken), "CE"},
		"fault":   {append(bytes.Clone(frame[:i]), frame[j:]...), "fault [FRAME-ID-MISSING]"},
	} {
		file := frameFile(t, c.frame)
		for client, got := range map[string]string{
			"zeep 1.1": run(t, debianPython, "testdata/zeep_send.py", g.URL+"/soap?wsdl", "ArchiveSoap11", file),
			"zeep 1.2": run(t, debianPython, "testdata/zeep_send.py", g.URL+"/soap?wsdl", "ArchiveSoap12", file),
			"PHP 1.1":  run(t, "php", "testdata/php_send.php", g.URL+"/soap?wsdl", file, "1.1"),
			"PHP 1.2":  run(t, "php", "testdata/php_send.php", g.URL+"/soap?wsdl", file, "1.2"),
		} {
			if !strings.HasPrefix(got, c.want) {
				t.Errorf("%s, %s: %s", name, client, got)
			}
		}
	}
}
