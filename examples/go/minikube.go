// Package minikube starts clusters of mini-kube for tests. It needs the standard
// library only; client-go takes the kubeconfig that KubeConfig names.
package minikube

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

// Cluster is one cluster of `mini-kube serve`.
type Cluster struct {
	// KubeConfig is the path of the administrator's kubeconfig.
	KubeConfig string `json:"kubeconfig"`
	// Server is the URL of the API server.
	Server string `json:"server"`

	ID string `json:"id"`
}

// Session is one session that went over the hops of the cluster.
type Session struct {
	ID       string   `json:"id"`
	Verb     string   `json:"verb"`
	Pod      string   `json:"pod"`
	Command  []string `json:"command"`
	Status   string   `json:"status"`
	ExitCode *int     `json:"exit_code"`
}

// Start starts a cluster; settings are those of POST /v1/clusters.
func Start(settings map[string]any) (*Cluster, error) {
	cluster := &Cluster{}
	return cluster, ask("POST", "/v1/clusters", settings, cluster)
}

// Stop ends the cluster; nothing of it is left.
func (c *Cluster) Stop() error {
	return ask("DELETE", c.path(""), nil, nil)
}

// Reset deletes all objects but the system's, all faults and all traces.
func (c *Cluster) Reset() error {
	return ask("POST", c.path("/reset"), nil, nil)
}

// Pod creates a pod, and returns when it is Ready; pod is as in POST .../pods.
func (c *Cluster) Pod(pod map[string]any) error {
	return ask("POST", c.path("/pods"), pod, nil)
}

// Fault makes a hop fail; fault is as in POST .../faults.
func (c *Cluster) Fault(fault map[string]any) error {
	return ask("POST", c.path("/faults"), fault, nil)
}

// Advance moves the clocks of the services ahead, by "90s" or "4h".
func (c *Cluster) Advance(duration string) error {
	return ask("POST", c.path("/clock"), map[string]any{"advance": duration}, nil)
}

// Sessions waits until one session of this verb is over, and returns all.
func (c *Cluster) Sessions(verb string) ([]Session, error) {
	var found struct{ Items []Session }
	err := ask("GET", c.path("/sessions?count=1&verb="+verb), nil, &found)
	return found.Items, err
}

func (c *Cluster) path(rest string) string {
	return "/v1/clusters/" + c.ID + rest
}

func ask(method, path string, body, answer any) error {
	url, token := os.Getenv("MINI_KUBE_URL"), os.Getenv("MINI_KUBE_TOKEN")
	if url == "" || token == "" {
		return fmt.Errorf("run the tests with: mini-kube serve -- go test ./...")
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	if body == nil {
		data = nil
	}
	request, err := http.NewRequest(method, url+path, bytes.NewReader(data))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s: %s", method, path, response.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}
