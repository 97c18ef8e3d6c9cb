// Does one of everything with the generated client: smoke <url of a gateway> <token>.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	holdfast "github.com/holdfast/sdk"
)

func check(ok bool, what ...any) {
	if !ok {
		fmt.Fprintln(os.Stderr, what...)
		os.Exit(1)
	}
}

func main() {
	configuration := holdfast.NewConfiguration()
	configuration.Servers = holdfast.ServerConfigurations{{URL: os.Args[1]}}
	client := holdfast.NewAPIClient(configuration)
	ctx := context.WithValue(context.Background(), holdfast.ContextAccessToken, os.Args[2])

	file, err := os.CreateTemp("", "holdfast-smoke-")
	check(err == nil, err)
	defer os.Remove(file.Name())
	_, err = file.Write([]byte{0, 255})
	check(err == nil, err)
	_, err = file.Seek(0, io.SeekStart)
	check(err == nil, err)
	written, _, err := client.KeysAPI.PutKey(ctx, "default", "go/ü?#").Body(file).Execute()
	check(err == nil && written.Revision > 1<<31, written, err)

	delta := int64(1) << 40
	request := holdfast.IncrementKeyRequest{Delta: &delta}
	counted, _, err := client.KeysAPI.IncrementKey(ctx, "default", "go/hits").IncrementKeyRequest(request).Execute()
	check(err == nil && counted.Value == delta, counted, err)

	page, _, err := client.RangesAPI.ListKeys(ctx, "default").Prefix("go/").KeysOnly(true).Execute()
	check(err == nil && page.Count == 2 && *page.Rows[1].Key == "go/ü?#", page, err)

	_, answer, err := client.KeysAPI.DeleteKey(ctx, "default", "go/hits").IfMatch("\"1\"").Execute()
	check(err != nil && answer.StatusCode == 412, answer, err)
	fmt.Println("every call did what it says")
}
