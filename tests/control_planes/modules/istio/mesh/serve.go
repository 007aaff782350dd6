// The configuration generator of istiod behind a port: what it makes of the resources is what istiod would make of them. Only the
// Kubernetes client behind it is a fake one, and whoever connects is taken for the one identity that the command line names.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

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
	var istio, kubernetes []string
	for _, one := range resources {
		if one.isIstio() {
			istio = append(istio, one.text)
		} else {
			kubernetes = append(kubernetes, one.text)
		}
	}
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
		ConfigString:               strings.Join(istio, "\n---\n"),
		KubernetesObjectString:     strings.Join(kubernetes, "\n---\n"),
		MeshConfig:                 configuration,
		DisableSecretAuthorization: true,
	})
	// A gateway's certificate goes only to a proxy whose identity is verified. There is no authority here to verify one with.
	generator.Discovery.Authenticators = []security.Authenticator{known(*identity)}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.StreamInterceptor(asIfOverTLS))
	generator.Discovery.Register(server)
	go func() { _ = server.Serve(listener) }()
	fmt.Fprintln(os.Stderr, "READY", *address)

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	<-stop
	server.Stop()
	return nil
}

// known takes every caller for one identity.
type known string

func (k known) AuthenticatorType() string { return "known" }

func (k known) Authenticate(security.AuthContext) (*security.Caller, error) {
	return &security.Caller{AuthSource: security.AuthSourceClientCertificate, Identities: []string{string(k)}}, nil
}

// asIfOverTLS lets a plain-text stream be authenticated: istiod asks only those over TLS who they are.
func asIfOverTLS(service any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	from, ok := peer.FromContext(stream.Context())
	if !ok {
		return fmt.Errorf("a stream from nobody")
	}
	over := &peer.Peer{Addr: from.Addr, AuthInfo: credentials.TLSInfo{State: tls.ConnectionState{}}}
	return handler(service, verified{stream, peer.NewContext(stream.Context(), over)})
}

type verified struct {
	grpc.ServerStream
	context context.Context
}

func (v verified) Context() context.Context { return v.context }

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
func (o *outsideTest) Logf(format string, values ...any)   { fmt.Fprintf(os.Stderr, format+"\n", values...) }
func (o *outsideTest) Helper()                             {}
func (o *outsideTest) Skip(words ...any)                   { o.Fatal(words...) }
func (o *outsideTest) Cleanup(action func())               { o.cleanups = append(o.cleanups, action) }

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
