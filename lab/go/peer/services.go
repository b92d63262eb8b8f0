// What the provider runs, and how often each of it ran.
package main

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
)

var (
	runsLock sync.Mutex
	runs     = map[string]uint64{}
)

func counts() map[string]uint64 {
	runsLock.Lock()
	defer runsLock.Unlock()
	return maps.Clone(runs)
}

type counted struct {
	label string
	delay time.Duration
}

func (c counted) ran(method string) {
	runsLock.Lock()
	runs[c.label+"."+method]++
	runsLock.Unlock()
	time.Sleep(c.delay)
}

// Greeting is com.example.GreetingService.
type Greeting struct{ counted }

func (*Greeting) Reference() string { return greeting }

// MethodMapper names methods as Java does.
func (*Greeting) MethodMapper() map[string]string { return map[string]string{"SayHello": "sayHello"} }

func (g *Greeting) SayHello(ctx context.Context, name string) (string, error) {
	g.ran("sayHello")
	keep(ctx, name)
	return fmt.Sprintf("Hello %s, this is %s", name, g.label), nil
}

// Interop is com.example.InteropService, as far as Go has it: there are no overloads.
type Interop struct{ counted }

func (*Interop) Reference() string { return interop }

// MethodMapper names methods as Java does.
func (*Interop) MethodMapper() map[string]string {
	return map[string]string{
		"Text": "text", "Order": "order", "ByName": "byName", "Nothing": "nothing", "Silent": "silent", "Add": "add", "Declared": "declared",
		"Undeclared": "undeclared", "Bytes": "bytes", "Slow": "slow", "Later": "later", "Attachments": "attachments",
		"Note": "note", "Noted": "noted", "Make": "make", "Length": "length",
	}
}

func (i *Interop) Text(ctx context.Context, text string) (string, error) {
	i.ran("text")
	keep(ctx, text)
	return text, nil
}

func (i *Interop) Order(ctx context.Context, order *Order) (*Order, error) {
	i.ran("order")
	keep(ctx, order)
	return order, nil
}

func (i *Interop) ByName(ctx context.Context, items []*Item) (map[string][]*Item, error) {
	i.ran("byName")
	keep(ctx, items)
	groups := map[string][]*Item{}
	for _, item := range items {
		groups[item.Name] = append(groups[item.Name], item)
	}
	return groups, nil
}

func (i *Interop) Nothing(ctx context.Context, text string) (*Order, error) {
	i.ran("nothing")
	keep(ctx, text)
	return nil, nil
}

func (i *Interop) Silent(ctx context.Context, text string) error {
	i.ran("silent")
	keep(ctx, text)
	return nil
}

func (i *Interop) Add(ctx context.Context, a int32, b int64) (int64, error) {
	i.ran("add")
	keep(ctx, a, b)
	return int64(a) + b, nil
}

func (i *Interop) Declared(ctx context.Context, why string) (string, error) {
	i.ran("declared")
	keep(ctx, why)
	return "", &OutOfStock{DetailMessage: why, Code: 42}
}

func (i *Interop) Undeclared(ctx context.Context, why string) (string, error) {
	i.ran("undeclared")
	keep(ctx, why)
	return "", fmt.Errorf("%s", why)
}

func (i *Interop) Bytes(ctx context.Context, payload []byte) ([]byte, error) {
	i.ran("bytes")
	keep(ctx, payload)
	return payload, nil
}

func (i *Interop) Slow(ctx context.Context, text string, millis int32) (string, error) {
	i.ran("slow")
	keep(ctx, text, millis)
	time.Sleep(time.Duration(millis) * time.Millisecond)
	return text, nil
}

func (i *Interop) Later(ctx context.Context, text string, millis int32) (string, error) {
	i.ran("later")
	keep(ctx, text, millis)
	time.Sleep(time.Duration(millis) * time.Millisecond)
	return text, nil
}

var (
	notesLock sync.Mutex
	notes     = map[string]int32{}
)

// Note is called one-way.
func (i *Interop) Note(ctx context.Context, text string) error {
	i.ran("note")
	keep(ctx, text)
	notesLock.Lock()
	defer notesLock.Unlock()
	notes[text]++
	return nil
}

// Noted is how often a note came.
func (*Interop) Noted(_ context.Context, text string) (int32, error) {
	notesLock.Lock()
	defer notesLock.Unlock()
	return notes[text], nil
}

func (i *Interop) Make(ctx context.Context, length int32) ([]byte, error) {
	i.ran("make")
	keep(ctx, length)
	return make([]byte, length), nil
}

func (i *Interop) Length(ctx context.Context, payload []byte) (int32, error) {
	i.ran("length")
	keep(ctx, len(payload))
	return int32(len(payload)), nil
}

// Attachments gives what the provider saw.
func (i *Interop) Attachments(ctx context.Context, _ string) (map[string]string, error) {
	i.ran("attachments")
	seen := map[string]string{}
	if attachments, ok := ctx.Value(constant.AttachmentKey).(map[string]any); ok {
		for key, value := range attachments {
			seen[key] = attachment(value)
		}
	}
	return seen, nil
}

// A header of several values for each key is how dubbo-go keeps attachments.
func attachment(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case []string:
		if len(value) > 0 {
			return value[0]
		}
		return ""
	}
	return fmt.Sprint(value)
}
