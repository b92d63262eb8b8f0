// The application: registry, protocol, services and references, with dubbo-go's defaults.
package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3"
	"dubbo.apache.org/dubbo-go/v3/client"
	"dubbo.apache.org/dubbo-go/v3/common"
	"dubbo.apache.org/dubbo-go/v3/config_center"
	"dubbo.apache.org/dubbo-go/v3/filter/generic"
	_ "dubbo.apache.org/dubbo-go/v3/imports"
	"dubbo.apache.org/dubbo-go/v3/logger"
	"dubbo.apache.org/dubbo-go/v3/protocol"
	"dubbo.apache.org/dubbo-go/v3/registry"
	"dubbo.apache.org/dubbo-go/v3/server"
	hessian "github.com/apache/dubbo-go-hessian2"
)

const (
	greeting = "com.example.GreetingService"
	interop  = "com.example.InteropService"
	// What follows is only the matrix's.
	typesService = "com.example.TypesService"
	asyncService = "com.example.AsyncService"
)

type service struct {
	Iface   string            `json:"iface"`
	Label   string            `json:"label"`
	Group   string            `json:"group"`
	Version string            `json:"version"`
	DelayMs int               `json:"delay_ms"`
	Params  map[string]string `json:"parameters"`
}

type startMessage struct {
	Application string    `json:"application"`
	Registry    string    `json:"registry"`
	Port        int       `json:"port"`
	Services    []service `json:"services"`
	// Whether the registry is its config center too, as it is for Java without being asked.
	ConfigCenter bool `json:"config_center"`
	// In place of the instance level, which is dubbo-go's default and has no nodes of consumers.
	InterfaceLevel bool `json:"interface_level"`
}

type referMessage struct {
	Name       string            `json:"name"`
	Iface      string            `json:"iface"`
	URL        string            `json:"url"`
	Group      string            `json:"group"`
	Version    string            `json:"version"`
	Tag        string            `json:"tag"`
	TimeoutMs  int               `json:"timeout_ms"`
	Retries    *int              `json:"retries"`
	Check      *bool             `json:"check"`
	Generic    bool              `json:"generic"`
	TimeoutsMs map[string]int    `json:"timeouts_ms"`
	Params     map[string]string `json:"parameters"`
}

// A reference, and how it is called.
type reference struct {
	connection *client.Connection
	generic    *generic.GenericService
	timeout    time.Duration
	// Of single methods.
	timeouts map[string]time.Duration
}

var (
	application *dubbo.Instance
	lock        sync.RWMutex
	references  = map[string]reference{}
)

func start(message startMessage) error {
	options := []dubbo.InstanceOption{
		dubbo.WithName(message.Application),
		dubbo.WithLogger(logger.WithLevel("warn")),
	}
	if message.Registry != "" {
		address := strings.TrimPrefix(message.Registry, "zookeeper://")
		where := []registry.Option{registry.WithZookeeper(), registry.WithAddress(address)}
		if message.InterfaceLevel {
			where = append(where, registry.WithRegisterInterface())
		}
		options = append(options, dubbo.WithRegistry(where...))
		if message.ConfigCenter {
			center := []config_center.Option{config_center.WithZookeeper(), config_center.WithAddress(address)}
			options = append(options, dubbo.WithConfigCenter(center...))
		}
	}
	// At the instance, not at its server: else Triple, its own default, is served beside it.
	if message.Port > 0 {
		options = append(options, dubbo.WithProtocol(protocol.WithDubbo(), protocol.WithPort(message.Port)))
	}
	var err error
	if application, err = dubbo.NewInstance(options...); err != nil {
		return err
	}
	if len(message.Services) == 0 {
		return nil
	}
	return serve(message)
}

// Serve returns when the application ends, so it is given a moment to fail and then left to itself; whoever started it waits for the
// registry to show its services.
func serve(message startMessage) error {
	ours, err := application.NewServer()
	if err != nil {
		return err
	}
	for _, wanted := range message.Services {
		if wanted.Iface == asyncService {
			// Its methods are Java's futures; whoever asks is told that nobody serves it.
			continue
		}
		options := []server.ServiceOption{server.WithInterface(wanted.Iface)}
		if wanted.Group != "" {
			options = append(options, server.WithGroup(wanted.Group))
		}
		if wanted.Version != "" {
			options = append(options, server.WithVersion(wanted.Version))
		}
		implementation, err := implementation(wanted)
		if err != nil {
			return err
		}
		if err := ours.RegisterService(implementation, options...); err != nil {
			return err
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- ours.Serve() }()
	select {
	case err := <-ended:
		return errors.Join(errors.New("the server ended at once"), err)
	case <-time.After(2 * time.Second):
		return nil
	}
}

func implementation(wanted service) (common.RPCService, error) {
	counted := counted{label: wanted.Label, delay: time.Duration(wanted.DelayMs) * time.Millisecond}
	switch wanted.Iface {
	case greeting:
		return &Greeting{counted}, nil
	case interop:
		return &Interop{counted}, nil
	case typesService:
		return &Types{counted}, nil
	}
	return nil, fmt.Errorf("no implementation of %s is here", wanted.Iface)
}

func refer(wanted referMessage) error {
	if wanted.Tag != "" {
		return errors.New("a reference of dubbo-go has no tag; set the attachment dubbo.tag")
	}
	options := []client.ReferenceOption{
		client.WithInterface(wanted.Iface), client.WithProtocolDubbo(), client.WithSerialization("hessian2"),
		client.WithGroup(wanted.Group), client.WithVersion(wanted.Version),
	}
	if wanted.URL != "" {
		options = append(options, client.WithURL(wanted.URL))
	}
	if wanted.Retries != nil {
		options = append(options, client.WithRetries(*wanted.Retries))
	}
	if wanted.Params != nil {
		options = append(options, client.WithParams(wanted.Params))
	}
	// A client for each: what is set for one reference is taken over by those that its client makes after it.
	consumer, err := application.NewClient(client.WithClientProtocolDubbo())
	if err != nil {
		return err
	}
	made := reference{timeout: time.Duration(wanted.TimeoutMs) * time.Millisecond, timeouts: map[string]time.Duration{}}
	for method, millis := range wanted.TimeoutsMs {
		made.timeouts[method] = time.Duration(millis) * time.Millisecond
	}
	if wanted.Generic {
		made.generic, err = consumer.NewGenericService(wanted.Iface, options...)
	} else {
		made.connection, err = consumer.Dial(wanted.Iface, options...)
	}
	if err != nil {
		return err
	}
	lock.Lock()
	defer lock.Unlock()
	references[wanted.Name] = made
	return nil
}

func (r reference) invoke(ctx context.Context, method string, types []string, arguments []any, into any) (any, error) {
	if r.generic != nil {
		objects := make([]hessian.Object, len(arguments))
		for i, argument := range arguments {
			objects[i] = argument
		}
		return r.generic.Invoke(ctx, method, types, objects)
	}
	options := []client.CallOption{}
	timeout, there := r.timeouts[method]
	if !there {
		timeout = r.timeout
	}
	if timeout > 0 {
		options = append(options, client.WithCallRequestTimeout(timeout))
	}
	return nil, r.connection.CallUnary(ctx, arguments, into, method, options...)
}
