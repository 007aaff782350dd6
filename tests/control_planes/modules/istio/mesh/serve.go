// The configuration generator of istiod behind a port: what it makes of the resources is what istiod would make of them. Only the
// Kubernetes client behind it is a fake one, and whoever connects is taken for the one identity that the command line names.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	pxds "istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/security"
)

func serve(arguments []string) error {
	flags := flag.NewFlagSet("serve", flag.ExitOnError)
	address := flags.String("listen", "127.0.0.1:15010", "where the xDS server listens, in plain text")
	identity := flags.String("identity", "", "who connects: spiffe://DOMAIN/ns/NAMESPACE/sa/ACCOUNT")
	meshFile := flags.String("mesh", "", "MeshConfig")
	_ = flags.Parse(arguments)

	resources, err := read(flags.Args())
	if err != nil {
		return err
	}
	istio, kubernetes := apart(resources)
	text, err := os.ReadFile(*meshFile)
	if err != nil {
		return err
	}
	configuration, err := mesh.ApplyMeshConfigDefaults(string(text))
	if err != nil {
		return err
	}

	outside := &outsideTest{}
	defer outside.runCleanups()
	generator := pxds.NewFakeDiscoveryServer(outside, pxds.FakeOptions{
		ConfigString:               istio,
		KubernetesObjectString:     kubernetes,
		MeshConfig:                 configuration,
		DisableSecretAuthorization: true,
		ListenerBuilder:            func() (net.Listener, error) { return net.Listen("tcp", *address) },
	})
	// A gateway's certificate goes only to a proxy whose identity is verified. There is no authority here to verify one with.
	// (XDS_AUTH_PLAINTEXT=true makes istiod ask for it on a plain-text stream at all.)
	generator.Discovery.Authenticators = []security.Authenticator{known(*identity)}
	fmt.Fprintln(os.Stderr, "READY", *address)

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	for one := range signals {
		if one != syscall.SIGHUP {
			break
		}
		if err := update(generator.Store(), flags.Args()); err != nil {
			return err
		}
	}
	return nil
}

// apart returns the resources that are Istio's own, and those of the Kubernetes client.
func apart(resources []resource) (string, string) {
	var istio, kubernetes []string
	for _, one := range resources {
		if one.isIstio() {
			istio = append(istio, one.text)
		} else {
			kubernetes = append(kubernetes, one.text)
		}
	}
	return strings.Join(istio, "\n---\n"), strings.Join(kubernetes, "\n---\n")
}

// update reads the files again, as an operator applies them again: Istio's own resources in them, each in place of its former self.
func update(store model.ConfigStoreController, paths []string) error {
	resources, err := read(paths)
	if err != nil {
		return err
	}
	text, _ := apart(resources)
	configs, _, err := crd.ParseInputs(text)
	if err != nil {
		return err
	}
	for _, one := range configs {
		if _, err := store.Update(one); err != nil {
			return err
		}
	}
	fmt.Fprintln(os.Stderr, "UPDATED", len(configs))
	return nil
}

// known takes every caller for one identity.
type known string

func (k known) AuthenticatorType() string { return "known" }

func (k known) Authenticate(security.AuthContext) (*security.Caller, error) {
	return &security.Caller{AuthSource: security.AuthSourceClientCertificate, Identities: []string{string(k)}}, nil
}

// outsideTest stands where Istio's helpers expect a running Go test: a failure of theirs ends the program.
type outsideTest struct{ cleanups []func() }

func (o *outsideTest) Fail()    { o.FailNow() }
func (o *outsideTest) FailNow() { os.Exit(2) }
func (o *outsideTest) Fatal(words ...any) {
	fmt.Fprintln(os.Stderr, append([]any{"FATAL"}, words...)...)
	os.Exit(2)
}
func (o *outsideTest) Fatalf(format string, values ...any) { o.Fatal(fmt.Sprintf(format, values...)) }
func (o *outsideTest) Log(words ...any)                    { fmt.Fprintln(os.Stderr, words...) }
func (o *outsideTest) Logf(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
}
func (o *outsideTest) Helper()               {}
func (o *outsideTest) Skip(words ...any)     { o.Fatal(words...) }
func (o *outsideTest) Cleanup(action func()) { o.cleanups = append(o.cleanups, action) }

func (o *outsideTest) TempDir() string {
	folder, err := os.MkdirTemp("", "mesh")
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

func (o *outsideTest) runCleanups() {
	for last := len(o.cleanups) - 1; last >= 0; last-- {
		o.cleanups[last]()
	}
}
