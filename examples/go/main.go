// A consumer in Go: `greeter REGISTRY WAY ISLAND` greets once a second until it is ended, and says in one of the ways which island is to
// answer. One way a run: references of one process to one service have to agree on the island.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common/constant"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
	"dubbo.apache.org/dubbo-go/v3/logger"
	"dubbo.apache.org/dubbo-go/v3/registry"
)

func main() {
	if len(os.Args) < 3 || len(os.Args) < 4 && os.Args[2] != "silent" {
		fmt.Fprintln(os.Stderr, "usage: greeter REGISTRY silent | attachment ISLAND | tag ISLAND | parameters ISLAND | url HOST:PORT")
		os.Exit(2)
	}
	where, way, island := os.Args[1], os.Args[2], ""
	if len(os.Args) > 3 {
		island = os.Args[3]
	}
	ctx := context.Background()
	options := []client.ReferenceOption{}
	zookeeper := []registry.Option{registry.WithZookeeper(), registry.WithAddress(where)}
	switch way {
	case "attachment":
		ctx = byAttachment(ctx, island)
	case "tag":
		ctx = byTag(ctx, island)
	case "parameters":
		parameters, level := byParameters(island)
		options, zookeeper = append(options, parameters), append(zookeeper, level)
	case "url":
		options = append(options, byURL(island))
	}
	greetings, err := refer("greeter-by-"+way, zookeeper, options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		hello := ""
		if err := greetings.CallUnary(ctx, []any{"bo"}, &hello, "sayHello"); err != nil {
			fmt.Println("no answer:", err)
		} else {
			fmt.Println(hello)
		}
		time.Sleep(time.Second)
	}
}

// ANCHOR: reference
func refer(application string, zookeeper []registry.Option, options []client.ReferenceOption) (*client.Connection, error) {
	instance, err := dubbo.NewInstance(
		dubbo.WithName(application),
		dubbo.WithLogger(logger.WithLevel("error")),
		dubbo.WithRegistry(zookeeper...),
	)
	if err != nil {
		return nil, err
	}
	consumer, err := instance.NewClient(client.WithClientProtocolDubbo())
	if err != nil {
		return nil, err
	}
	// Dubbo's own protocol, not Triple, which is dubbo-go's default.
	options = append(options, client.WithProtocolDubbo(), client.WithSerialization("hessian2"))
	return consumer.Dial("com.example.GreetingService", options...)
}

// ANCHOR_END: reference

// ANCHOR: attachment
// Calls with this context.
func byAttachment(ctx context.Context, island string) context.Context {
	return context.WithValue(ctx, constant.AttachmentKey, map[string]any{"highway.target": island})
}

// ANCHOR_END: attachment

// ANCHOR: tag
// Calls with this context, past local providers too. A reference of dubbo-go has no tag.
func byTag(ctx context.Context, island string) context.Context {
	return context.WithValue(ctx, constant.AttachmentKey, map[string]any{"dubbo.tag": island, "dubbo.force.tag": "true"})
}

// ANCHOR_END: tag

// ANCHOR: parameters
// Every call of the reference, once the gateway has read its node in the registry: a moment after it was made. It has one at interface
// level alone, which is not dubbo-go's default. Calls of dubbo-go do not say their application: if another one at this address refers to
// the service, nobody knows whose word it is, and it does not count.
func byParameters(island string) (client.ReferenceOption, registry.Option) {
	return client.WithParams(map[string]string{"highway." + island: "ALL"}), registry.WithRegisterInterface()
}

// ANCHOR_END: parameters

// ANCHOR: url
// Every call of the reference: the port that the gateway has for the island. No registry is asked.
func byURL(hostAndPort string) client.ReferenceOption {
	return client.WithURL("dubbo://" + hostAndPort)
}

// ANCHOR_END: url
