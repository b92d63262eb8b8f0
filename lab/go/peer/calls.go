// Calls on a reference: one with everything there is to see of it, or many with a tally.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"dubbo.apache.org/dubbo-go/v3/common/constant"
)

// More distinct results or errors than this are not listed one by one.
const listed = 20

type call struct {
	Reference      string            `json:"reference"`
	Method         string            `json:"method"`
	Types          []string          `json:"types"`
	Arguments      []json.RawMessage `json:"arguments"`
	Attachments    map[string]string `json:"attachments"`
	Threads        int               `json:"threads"`
	CallsPerThread int               `json:"calls_per_thread"`
	ForMs          int64             `json:"for_ms"`
	PauseMs        int64             `json:"pause_ms"`
}

// The Go method that stands for a Java one tells the types.
func signature(name string) (reflect.Type, bool) {
	for _, each := range []interface{ MethodMapper() map[string]string }{&Greeting{}, &Interop{}, &Types{}} {
		for own, java := range each.MethodMapper() {
			if java == name {
				method, found := reflect.TypeOf(each).MethodByName(own)
				return method.Type, found
			}
		}
	}
	return nil, false
}

func argument(text json.RawMessage, wanted reflect.Type) (any, error) {
	if wanted == reflect.TypeFor[[]byte]() {
		var about struct{ Length, Seed int }
		if err := json.Unmarshal(text, &about); err != nil {
			return nil, err
		}
		return javaRandom(about.Length, about.Seed), nil
	}
	value := reflect.New(wanted)
	if err := json.Unmarshal(text, value.Interface()); err != nil {
		return nil, err
	}
	return value.Elem().Interface(), nil
}

// What a call needs that does not change from one to the next.
type prepared struct {
	call
	reference reference
	arguments []any
	result    reflect.Type
}

func (c call) prepare() (prepared, error) {
	lock.RLock()
	defer lock.RUnlock()
	made := prepared{call: c}
	var found bool
	if made.reference, found = references[c.Reference]; !found {
		return made, fmt.Errorf("no reference %s", c.Reference)
	}
	types := make([]reflect.Type, len(c.Arguments))
	if made.reference.generic != nil {
		for i := range types {
			types[i] = goType(c.Types[i])
		}
	} else {
		method, found := signature(c.Method)
		// Receiver and context stand in front.
		if !found || method.NumIn()-2 != len(c.Arguments) {
			return made, fmt.Errorf("no method %s with %d arguments", c.Method, len(c.Arguments))
		}
		for i := range types {
			types[i] = method.In(i + 2)
		}
		made.result = resultOf(c.Method)
	}
	for i, text := range c.Arguments {
		value, err := argument(text, types[i])
		if err != nil {
			return made, err
		}
		made.arguments = append(made.arguments, value)
	}
	return made, nil
}

func goType(java string) reflect.Type {
	switch java {
	case "int":
		return reflect.TypeFor[int32]()
	case "long":
		return reflect.TypeFor[int64]()
	case "boolean":
		return reflect.TypeFor[bool]()
	case "java.lang.String":
		return reflect.TypeFor[string]()
	}
	return reflect.TypeFor[map[string]any]()
}

func (p prepared) once() (any, error) {
	attachments := map[string]any{}
	for key, value := range p.Attachments {
		attachments[key] = value
	}
	return p.with(attachments)
}

func (p prepared) with(attachments map[string]any) (any, error) {
	ctx := context.Background()
	if len(attachments) > 0 {
		ctx = context.WithValue(ctx, constant.AttachmentKey, attachments)
	}
	if p.reference.generic != nil {
		result, err := p.reference.invoke(ctx, p.Method, p.Types, p.arguments, nil)
		return shown(result), err
	}
	if p.result == nil {
		var nothing any
		_, err := p.reference.invoke(ctx, p.Method, nil, p.arguments, &nothing)
		return shown(nothing), err
	}
	into := reflect.New(p.result)
	_, err := p.reference.invoke(ctx, p.Method, nil, p.arguments, into.Interface())
	return shown(into.Elem().Interface()), err
}

type thrown struct {
	Class   string `json:"class"`
	Message string `json:"message"`
}

func thrownBy(err error) *thrown {
	var named interface{ JavaClassName() string }
	if errors.As(err, &named) {
		return &thrown{named.JavaClassName(), err.Error()}
	}
	return &thrown{fmt.Sprintf("%T", err), err.Error()}
}

func (c call) one() (any, error) {
	made, err := c.prepare()
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	result, err := made.once()
	answer := map[string]any{"elapsed_us": time.Since(begin).Microseconds()}
	if err != nil {
		answer["thrown"] = thrownBy(err)
	} else {
		answer["result"] = result
	}
	return answer, nil
}

type tally struct {
	sync.Mutex
	OK        uint64            `json:"ok"`
	Failed    uint64            `json:"failed"`
	SlowestUs int64             `json:"slowest_us"`
	Results   map[string]uint64 `json:"results"`
	Errors    map[string]uint64 `json:"errors"`
}

func (t *tally) add(result any, err error, took time.Duration) {
	t.Lock()
	defer t.Unlock()
	t.SlowestUs = max(t.SlowestUs, took.Microseconds())
	if err != nil {
		t.Failed++
		count(t.Errors, thrownBy(err).Class+": "+err.Error(), 400)
		return
	}
	t.OK++
	text, err := json.Marshal(result)
	if err != nil {
		text = []byte(err.Error())
	}
	count(t.Results, string(text), 200)
}

func count(into map[string]uint64, text string, longest int) {
	text = text[:min(len(text), longest)]
	if _, there := into[text]; there || len(into) < listed {
		into[text]++
	}
}

func (c call) many() (any, error) {
	made, err := c.prepare()
	if err != nil {
		return nil, err
	}
	all := &tally{Results: map[string]uint64{}, Errors: map[string]uint64{}}
	var workers sync.WaitGroup
	for range c.Threads {
		workers.Go(func() {
			end := time.Now().Add(time.Duration(c.ForMs) * time.Millisecond)
			for i := 0; (c.ForMs > 0 && time.Now().Before(end)) || (c.ForMs == 0 && i < c.CallsPerThread); i++ {
				begin := time.Now()
				result, err := made.once()
				all.add(result, err, time.Since(begin))
				time.Sleep(time.Duration(c.PauseMs) * time.Millisecond)
			}
		})
	}
	workers.Wait()
	return all, nil
}
