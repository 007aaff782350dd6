// mesh runs parts of Istio's control plane as a plain program, without a cluster. It decides nothing itself:
//
//	mesh serve    -listen ADDR -identity SPIFFE -mesh FILE RESOURCES...   the configuration generator, as an xDS server;
//	                                                                     SIGHUP makes it read the resources again
//	mesh validate -crds A,B,... RESOURCES...                             what a Kubernetes API server says of resources
package main

import (
	"fmt"
	"os"
	"strings"

	"sigs.k8s.io/yaml"
)

func main() {
	commands := map[string]func([]string) error{"serve": serve, "validate": validate}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: mesh serve|validate [flags] FILE...")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "mesh:", err)
		os.Exit(1)
	}
}

// A resource is one YAML document of a file.
type resource struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name string `json:"name"`
	} `json:"metadata"`
	text string
}

// isIstio says through which door a resource enters: Istio's own, or that of the Kubernetes client.
func (r resource) isIstio() bool { return strings.Contains(r.APIVersion, "istio.io/") }

// read returns the documents of files that hold something.
func read(paths []string) ([]resource, error) {
	var found []resource
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, text := range strings.Split("\n"+string(content), "\n---") {
			one := resource{text: text}
			if err := yaml.Unmarshal([]byte(text), &one); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if one.Kind != "" {
				found = append(found, one)
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no resource in %s", strings.Join(paths, " "))
	}
	return found, nil
}
