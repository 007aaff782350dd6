// What a Kubernetes API server says of resources, strictly: the schema, unknown fields and the CEL rules of their definitions.
package main

import (
	"flag"
	"fmt"
	"strings"

	"istio.io/istio/pkg/config/crd"
)

// Core resources have no definition: an API server judges them by code of its own, which is not in here.
var core = map[string]bool{"v1": true, "apps/v1": true, "discovery.k8s.io/v1": true}

func validate(arguments []string) error {
	flags := flag.NewFlagSet("validate", flag.ExitOnError)
	definitions := flags.String("crds", "", "files with CustomResourceDefinitions, with commas between")
	_ = flags.Parse(arguments)
	validator, err := crd.NewValidatorFromFiles(strings.Split(*definitions, ",")...)
	if err != nil {
		return err
	}
	resources, err := read(flags.Args())
	if err != nil {
		return err
	}
	bad := 0
	for _, one := range resources {
		verdict := "ok"
		if core[one.APIVersion] {
			verdict = "not judged: a core resource"
		} else if err := validator.ValidateCustomResourceYAML(one.text, nil); err != nil {
			bad++
			verdict = strings.ReplaceAll(err.Error(), "\n", " ")
		}
		fmt.Printf("%s %s: %s\n", one.Kind, one.Metadata.Name, verdict)
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d resources refused", bad, len(resources))
	}
	return nil
}
