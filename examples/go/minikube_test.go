package minikube

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var cluster *Cluster

func TestMain(m *testing.M) {
	var err error
	if cluster, err = Start(nil); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// kubectl is what is under test here: any program that takes a KUBECONFIG.
func kubectl(t *testing.T, arguments ...string) (string, int) {
	t.Helper()
	command := exec.Command("mini-kubectl", arguments...)
	command.Env = append(os.Environ(), "KUBECONFIG="+cluster.KubeConfig)
	output, err := command.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return string(output), command.ProcessState.ExitCode()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestACommandAnswersWhatTheScriptSays(t *testing.T) {
	must(t, cluster.Reset())
	answers := []map[string]any{{"argv": "psql .*", "stdout": "1 row\n", "exit_code": 3}}
	must(t, cluster.Pod(map[string]any{
		"name": "db", "script": map[string]any{"exec": answers},
	}))

	output, code := kubectl(t, "exec", "db", "--", "psql", "-c", "select 1")

	if !strings.HasPrefix(output, "1 row\n") || code != 3 {
		t.Fatalf("got %q and %d", output, code)
	}
	sessions, err := cluster.Sessions("exec")
	must(t, err)
	if *sessions[0].ExitCode != 3 || sessions[0].Pod != "db" {
		t.Fatalf("got %+v", sessions[0])
	}
}

func TestAnIdleSessionIsCutAfterFourHours(t *testing.T) {
	must(t, cluster.Reset())
	must(t, cluster.Pod(map[string]any{"name": "web"}))
	command := exec.Command("mini-kubectl", "exec", "-i", "web", "--", "cat")
	command.Env = append(os.Environ(), "KUBECONFIG="+cluster.KubeConfig)
	stdin, err := command.StdinPipe()
	must(t, err)
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	_, err = stdin.Write([]byte("here\n"))
	must(t, err)
	_, err = stdout.Read(make([]byte, 16))
	must(t, err)

	must(t, cluster.Advance("4h1s"))

	if err := command.Wait(); err == nil {
		t.Fatal("the session was not cut")
	}
}
