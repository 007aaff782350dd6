// A dashboard in Go that answers with whose session it is.
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
)

func whose(response http.ResponseWriter, request *http.Request) {
	// the documentation's lines
	if err != nil {
		http.Error(response, err.Error(), 500)
		return
	}
	fmt.Fprint(response, subject)
}

func main() {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listening.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listening, http.HandlerFunc(whose)))
}
